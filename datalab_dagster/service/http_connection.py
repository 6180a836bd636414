"""The connection to a deployment over HTTP: sends requests, and translates failures into this package's errors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from datalab.errors import DatalabError, UsageError
from datalab.home.directory import home_directory
from datalab.home.rules import is_loopback
from datalab.home.secret import read_secret
from datalab.home.up import running
from datalab_dagster.service.errors import ServiceUnreachable
from datalab_dagster.service.http_errors import error_from


def secret_for(url: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the secret of the `datalab up` that runs on this home directory, if `url` is its portal; else None.

    It is sent to no other address.
    """
    home = home_directory(environment)
    up = running(home)
    try:
        asked, own = urlsplit(url), urlsplit((up and up.portal_url) or "")
        near = asked.scheme == "http" and is_loopback(asked.hostname or "")
        return read_secret(home) if near and asked.port and asked.port == own.port else None
    except ValueError:  # an address that the connection refuses with a better text
        return None


class Connection:
    """Requests to the API of one deployment; threads may share it.

    Raises:
        UsageError: the address is not valid.
    """

    def __init__(
        self, url: str, token: str | None, *, transport: httpx.BaseTransport | None = None, timeout: float = 60
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("The address of a deployment looks like https://labs.publisher.example. Nothing was sent.")
        self.where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/api",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            transport=transport,
            timeout=httpx.Timeout(timeout, connect=10),
            follow_redirects=False,  # a token must not reach another server
        )

    def json(self, method: str, path: str, **request: Any) -> Any:
        """Return the JSON of an answer, None of an empty one.

        Raises:
            DatalabError: the deployment's own error.
            ServiceUnreachable: it does not answer, or another program does.
        """
        return self.json_and_status(method, path, **request)[0]

    def json_and_status(self, method: str, path: str, **request: Any) -> tuple[Any, int]:
        """Return what `json` returns, and the status, for addresses where it matters; raises as `json`."""
        with self._translated():
            response = self._client.request(method, path, **request)
        self._check(response)
        if response.status_code == 204:
            return None, 204
        try:
            return response.json(), response.status_code
        except ValueError:
            raise ServiceUnreachable(self.where, "what answers there is no Data Lab") from None

    def content(self, method: str, path: str, **request: Any) -> bytes:
        """Return the bytes of an answer; raises as `json`."""
        with self._translated():
            response = self._client.request(method, path, **request)
        self._check(response)
        return response.content

    def stream(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return an answer whose content was not read yet; the caller closes it. Raises as `json`."""
        with self._translated():
            response = self._client.send(self._client.build_request(method, path, **request), stream=True)
            if not response.is_success:
                response.read()
        try:
            self._check(response)
        except BaseException:
            response.close()
            raise
        return response

    def unreachable(self, error: httpx.HTTPError) -> ServiceUnreachable:
        """Return the error for a failed connection, without its own text, which may contain a token's header."""
        reasons = {httpx.TimeoutException: "no answer in time", httpx.ConnectError: "no connection"}
        reason = next((text for kind, text in reasons.items() if isinstance(error, kind)), "the connection broke")
        return ServiceUnreachable(self.where, reason)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise self.unreachable(error) from None

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        try:
            error: DatalabError | None = error_from(response.json(), response.status_code)
        except ValueError:
            error = None
        raise error or ServiceUnreachable(self.where, f"it answers with status {response.status_code}")
