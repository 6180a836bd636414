"""The users of the deployment on this machine, behind `Accounts`, which documents every call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from datalab.registry import Role, accounts
from datalab_dagster.service.account_models import AccountInfo, TokenInfo, UnownedInfo, UserInfo


class LocalAccounts:
    """The accounts of a registry; changes are made by `user`."""

    def __init__(self, kept: accounts.Accounts, user: str) -> None:
        self._kept = kept
        self._user = user

    def any_user(self) -> bool:
        return self._kept.any_user()

    def users(self) -> list[UserInfo]:
        return [UserInfo.model_validate(user) for user in self._kept.users()]

    def unowned(self, email: str) -> UnownedInfo | None:
        found = self._kept.unowned(email)
        return None if found is None else UnownedInfo.model_validate(found)

    def add(self, email: str, role: Role, *, password: str | None = None, take_over: bool = False) -> UserInfo:
        added = self._kept.add(email, role, password=password, take_over=take_over, by=self._user)
        return UserInfo.model_validate(added)

    def set_role(self, email: str, role: Role, *, take_over: bool = False) -> UserInfo:
        return UserInfo.model_validate(self._kept.set_role(email, role, take_over=take_over, by=self._user))

    def set_password(self, email: str, password: str) -> UserInfo:
        return UserInfo.model_validate(self._kept.set_password(email, password, by=self._user))

    def delete(self, email: str) -> int:
        return self._kept.delete(email, by=self._user)

    def tokens(self, email: str | None = None) -> list[TokenInfo]:
        return [TokenInfo.model_validate(token) for token in self._kept.tokens.all(email)]

    def create_token(self, email: str, name: str, *, lifetime: timedelta) -> tuple[TokenInfo, str]:
        made, secret = self._kept.tokens.create(email, name, lifetime=lifetime, by=self._user)
        return TokenInfo.model_validate(made), secret

    def revoke_token(self, token_id: str) -> TokenInfo:
        return TokenInfo.model_validate(self._kept.tokens.revoke(token_id, by=self._user))

    def sign_in(self, email: str, password: str, *, address: str, lifetime: timedelta) -> str:
        return self._kept.sessions.sign_in(email, password, address=address, lifetime=lifetime)

    def sign_out(self, secret: str) -> None:
        self._kept.sessions.sign_out(secret)

    def of_session(self, secret: str, *, idle: timedelta) -> AccountInfo | None:
        return _account(self._kept.sessions.account(secret, idle=idle))

    def of_token(self, token: str) -> AccountInfo | None:
        return _account(self._kept.tokens.account(token))

    def record(
        self, action: str, subject: str = "", *, via: str, address: str, details: Mapping[str, Any] | None = None
    ) -> None:
        self._kept.audit.record(action, subject, by=self._user, via=via, address=address, details=details)


def _account(found: accounts.Account | None) -> AccountInfo | None:
    return None if found is None else AccountInfo.model_validate(found)
