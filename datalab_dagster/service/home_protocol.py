"""The interface of a deployment that is only available on its own machine: users, sessions and tokens, the master key.

No route of the HTTP API offers this, so `HttpService` does not have it: it requires read access to the home.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from datalab.registry import Role
from datalab_dagster.service.account_models import AccountInfo, TokenInfo, UnownedInfo, UserInfo
from datalab_dagster.service.models import LabInfo
from datalab_dagster.service.protocol import LabService


class Accounts(Protocol):
    """The users of a deployment, their passwords, sessions and API tokens; every change goes to the audit log."""

    def any_user(self) -> bool:
        """Return whether there is any user, so that a login is required."""

    def users(self) -> list[UserInfo]:
        """Return all users, ordered by e-mail address."""

    def unowned(self, email: str) -> UnownedInfo | None:
        """Return how much `email` can take over as the first publisher; None when there is a publisher already."""

    def add(self, email: str, role: Role, *, password: str | None = None, take_over: bool = False) -> UserInfo:
        """Add a user; without a password the user has API tokens only. Raises UserExists, UserRefused.

        With `take_over` they own all datasets and labs that belong to no user, in addition to their earlier owners.
        """

    def set_role(self, email: str, role: Role, *, take_over: bool = False) -> UserInfo:
        """Change a role, effective from the next request. `take_over`: see `add`. Raises UserNotFound."""

    def set_password(self, email: str, password: str) -> UserInfo:
        """Change a password and end the user's sessions; tokens remain valid. Raises UserNotFound, UserRefused."""

    def delete(self, email: str) -> int:
        """Delete a user with all sessions and tokens; return how many users are left. Raises UserNotFound."""

    def tokens(self, email: str | None = None) -> list[TokenInfo]:
        """Return all tokens, or those of a user, the newest first, including ended tokens."""

    def create_token(self, email: str, name: str, *, lifetime: timedelta) -> tuple[TokenInfo, str]:
        """Create a token; return it and its stored description. Raises UserNotFound, TokenRefused."""

    def revoke_token(self, token_id: str) -> TokenInfo:
        """Revoke a token immediately. Raises TokenNotFound."""

    def sign_in(self, email: str, password: str, *, address: str, lifetime: timedelta) -> str:
        """Begin a session and return its secret. Raises LoginRefused, TooManyLogins."""

    def sign_out(self, secret: str) -> None:
        """End a session if it is active."""

    def of_session(self, secret: str, *, idle: timedelta) -> AccountInfo | None:
        """Return the user of a session; None if it has ended, or was not used for `idle`."""

    def of_token(self, token: str) -> AccountInfo | None:
        """Return the user of a token; None if it has ended."""

    def record(
        self, action: str, subject: str = "", *, via: str, address: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """Add an action of the user to the audit log. Never pass row values or secrets."""


class Keys(Protocol):
    """The master key that protects the keys of all datasets."""

    def rotate(self) -> int:
        """Wrap the key of every dataset with a new master key, and return how many.

        Where master keys come from the environment, the first one there is the new one.

        Raises:
            RotationUnfinished, MasterKeyMissing, KeyMismatch: the old master key is kept.
        """


class HomeService(LabService, Protocol):
    """A deployment whose home is on this machine."""

    @property
    def accounts(self) -> Accounts:
        """Who may use the portal."""

    @property
    def keys(self) -> Keys:
        """The master key."""

    def rekey_lab(self, lab: str) -> LabInfo:
        """Give a lab that an earlier version made a readable partition key; a lab that has one keeps it.

        Raises:
            LabNotFound, LabNameAmbiguous, LabNotYours: as their names say.
            RekeyRefused: it has had a result, or a validation of it is running or requested.
        """

    def for_user(self, user: str) -> HomeService:
        """Return the same deployment for another user; both share open connections."""

    def shared(self) -> LabService:
        """Return the deployment with the labs only, and of them only the results, that are shared with the user."""
