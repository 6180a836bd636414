"""What the portal itself refuses, whatever the deployment would say; how it is answered is not known here.

DatalabError
├── NotPermitted               (service) signed in, but without the role
│   ├── LoginNeeded            nobody is signed in, or the token or session has ended
│   └── RequestForged          a change that did not come from a page of ours
├── DeploymentUnavailable      what an outsider is told when something behind the portal fails
└── UsageError
    ├── BindRefused            the portal would be open to other machines without a login
    ├── HostRefused            asked under a name that it does not answer to
    ├── RequestInvalid         the request has mistakes; lists them, without values
    └── RequestTooLarge  RequestTooSlow  ContentTypeWrong  AddressUnknown  MethodRefused
"""

from __future__ import annotations

from collections.abc import Sequence

from datalab.errors import DatalabError, UsageError
from datalab_dagster.service.errors import NotPermitted


class LoginNeeded(NotPermitted):
    def __init__(self) -> None:
        super().__init__("Log in, or send a valid API token: nobody is signed in, or the session or token has ended.")


class RequestForged(NotPermitted):
    def __init__(self) -> None:
        super().__init__(
            "The change was refused, as it does not come from a page of this portal that is still valid. Nothing was "
            "changed; reload the page and try again."
        )


class DeploymentUnavailable(DatalabError):
    def __init__(self) -> None:
        super().__init__("The deployment cannot be used now. Nothing was changed; try again later.")


class BindRefused(UsageError):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"The portal was not started on {host}: other machines would reach it and nobody would have to log in. "
            "Add a user first (`datalab user add you@publisher.example`), or bind it to 127.0.0.1."
        )


class HostRefused(UsageError):
    def __init__(self) -> None:
        super().__init__(
            "The portal does not answer to the name that this request was sent to. Use its own address, or add the "
            "name to its allowed hosts."
        )


class RequestInvalid(UsageError):
    """`mistakes` names the place and the rule of each mistake, not what was sent."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = list(mistakes)
        lines = "".join(f"\n  - {mistake}" for mistake in self.mistakes)
        super().__init__(f"The request was not carried out, and nothing was changed:{lines}")


class RequestTooLarge(UsageError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"The request is larger than the {limit} bytes that are taken here. Nothing was changed.")


class RequestTooSlow(UsageError):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"Nothing came for {seconds:g} seconds. What was not complete was not stored; send it again.")


class ContentTypeWrong(UsageError):
    def __init__(self, expected: str) -> None:
        super().__init__(f"Send the content as {expected}. Nothing was changed.")


class AddressUnknown(UsageError):
    def __init__(self) -> None:
        super().__init__("There is nothing at this address. /docs lists all addresses of the API.")


class MethodRefused(UsageError):
    def __init__(self, method: str) -> None:
        super().__init__(f"This address does not take {method}. /docs lists what every address takes.")
