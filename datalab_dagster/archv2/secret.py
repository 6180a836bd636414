"""A dataset's stored key and its users, in the vendor's words. This module does not know where keys are kept."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from datalab_dagster.archv2.errors import AccessListRefused
from datalab_dagster.service import KeyRole

_LAX = "DECENTRIQ_DISABLE_DATASET_ACL_ORGANIZATION_CHECK"


class AccessListUser(TypedDict):
    """Who may use a key, and how: ``Owner`` or ``User``."""

    id: str
    role: str


class AccessList(TypedDict):
    """An access list: its type is ``UsersList``."""

    type: str
    users: list[AccessListUser]


@dataclass
class Secret:
    """A dataset's key as the secret store has it.

    Attributes:
        secret: the 32 bytes.
        state: version, access list, type and manifest hash.
    """

    secret: bytes = field(repr=False)
    state: Mapping[str, Any]


class SecretStoreOptions:
    """Whether an uploaded dataset's key is stored, and who may use it.

    Args:
        store_encryption_key: keep the key; without it the dataset cannot be provisioned.
        encryption_key_acl: ``{"type": "UsersList", "users": [{"id": email, "role": "Owner" | "User"}]}``; by default
            the uploader is the owner.
        encryption_key_acl_version: of the access list's form; 0 is the only one.

    Raises:
        AccessListRefused: an access list without a stored key.
    """

    def __init__(
        self,
        *,
        store_encryption_key: bool = True,
        encryption_key_acl: Mapping[str, Any] | None = None,
        encryption_key_acl_version: int = 0,
    ) -> None:
        if not store_encryption_key and encryption_key_acl is not None:
            raise AccessListRefused("Encryption key ACL can only be set when storing the encryption key")
        self.store_encryption_key = store_encryption_key
        self.encryption_key_acl = encryption_key_acl
        self.encryption_key_acl_version = encryption_key_acl_version

    def validate_users(self, client_user: str, organization_user: Iterable[Mapping[str, Any]]) -> None:
        """Check the access list; `organization_user` are further users of the organisation, as ``{"email": …}``.

        Raises:
            AccessListRefused: as `access`.
        """
        self.access(client_user, {user["email"] for user in organization_user})

    def access(self, uploader: str, colleagues: Collection[str] = ()) -> dict[str, KeyRole] | None:
        """Return user → role; None: the default.

        Args:
            uploader: the uploader, who always belongs to the organisation.
            colleagues: further known users of it; all users with the uploader's e-mail domain belong to it, too.

        Raises:
            AccessListRefused: version, type or form are unknown, the key would have no owner, or a user is not in the
                organisation (DECENTRIQ_DISABLE_DATASET_ACL_ORGANIZATION_CHECK=true turns the last check off).
        """
        if self.encryption_key_acl is None:
            return None
        if self.encryption_key_acl_version != 0:
            raise AccessListRefused(f"Unsupported encryption key ACL version {self.encryption_key_acl_version}")
        roles = roles_of(self.encryption_key_acl)
        if KeyRole.OWNER not in roles.values():
            raise AccessListRefused("Encryption key ACL must contain at least one owner")
        if os.environ.get(_LAX, "").lower() != "true":
            domain = _domain(uploader)
            if not all(user in {uploader, *colleagues} or _domain(user) == domain for user in roles):
                raise AccessListRefused("Encryption key ACL must contain only users from your organization")
        return roles


def roles_of(access_list: Mapping[str, Any]) -> dict[str, KeyRole]:
    """Return user → role of an access list.

    Raises:
        AccessListRefused: its type or form is unknown.
    """
    if not isinstance(access_list, Mapping):
        raise AccessListRefused("Encryption key ACL must be a dictionary with the keys 'type' and 'users'")
    if access_list.get("type") != "UsersList":
        raise AccessListRefused(f"Unsupported encryption key ACL type {access_list.get('type')}")
    roles: dict[str, KeyRole] = {}
    users = access_list.get("users")
    for user in users if isinstance(users, list) else [None]:
        try:
            roles[str(user["id"])] = KeyRole(user["role"])  # type: ignore[index]
        except (KeyError, TypeError, ValueError):
            raise AccessListRefused(
                "Encryption key ACL must list its users as {'id': e-mail, 'role': 'Owner' or 'User'}"
            ) from None
    return roles


def access_list_of(users: Mapping[str, KeyRole]) -> AccessList:
    """Return the access list of user → role."""
    return {"type": "UsersList", "users": [{"id": user, "role": role.value} for user, role in users.items()]}


def _domain(user: str) -> str:
    return user.rpartition("@")[2].lower()
