"""Connects a client to its deployment: the one in this machine's home directory, or one behind an address."""

from __future__ import annotations

import base64
import os
from urllib.parse import urlsplit

from datalab.home.settings import Environment
from datalab_dagster.archv2.errors import NobodyThere, TokenRefused
from datalab_dagster.service.errors import NotPermitted, ServiceUnreachable
from datalab_dagster.service.protocol import LabService

_REQUEST_SECONDS = 60
_VENDOR = "decentriq.com"
_VENDOR_HOST, _VENDOR_PORT = f"api.{_VENDOR}", 443

DECENTRIQ_CLIENT_ID = os.environ.get("DECENTRIQ_CLIENT_ID", "datalab")
DECENTRIQ_HOST = os.environ.get("DECENTRIQ_HOST", _VENDOR_HOST)
DECENTRIQ_PORT = int(os.environ.get("DECENTRIQ_PORT", str(_VENDOR_PORT)))
DECENTRIQ_USE_TLS = os.environ.get("DECENTRIQ_USE_TLS", "true") != "false"


def connect(
    user: str, token: str, *, host: str, port: int, use_tls: bool, request_timeout: float | None = None
) -> LabService:
    """Return the deployment for `user`.

    Raises:
        binascii.Error: `token` is not URL-safe base64.
        TokenRefused, NobodyThere: the deployment at the address refuses the token, or there is none.
    """
    check_token(token)
    url = deployment_url(host, port, use_tls=use_tls)
    if url is None:
        from datalab_dagster.service.open import open_service

        return open_service(user)
    from datalab_dagster.service.http import HttpService
    from datalab_dagster.service.http_connection import secret_for

    seconds = request_timeout or _REQUEST_SECONDS
    try:
        try:
            return HttpService(url, token, timeout=seconds)
        except NotPermitted:  # a deployment of this machine without users accepts any token, as the home directory does
            if (secret := secret_for(url)) is None:
                raise
            return HttpService(url, secret, timeout=seconds)
    except NotPermitted as error:
        raise TokenRefused(error) from error
    except ServiceUnreachable as error:
        raise NobodyThere(error) from error


def deployment_url(host: str, port: int, *, use_tls: bool) -> str | None:
    """Return the URL of the deployment; None: the one in this machine's home directory.

    The vendor's hosts count as None: a script that names them uses its own deployment.

    >>> deployment_url("labs.publisher.example", 8443, use_tls=True)
    'https://labs.publisher.example:8443'
    """
    at_vendor = host == _VENDOR or host.endswith(f".{_VENDOR}")
    if at_vendor and port == _VENDOR_PORT:
        return Environment.read().api_url or None
    address = "localhost" if at_vendor else host
    if "://" in address:
        return address if urlsplit(address).port else f"{address.rstrip('/')}:{port}"
    return f"{'https' if use_tls else 'http'}://{address}:{port}"


def check_token(token: str) -> None:
    """Check that the token is URL-safe base64; padding may be missing.

    Raises:
        binascii.Error: it is not.

    >>> check_token("c2VjcmV0")
    """
    base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
