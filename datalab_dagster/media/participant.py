"""A participant of a room: a group of e-mail addresses with a role and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from datalab_dagster.media.helper import generate_id
from datalab_dagster.types import Permission


class Participant:
    """A group of users of one organisation.

    Args:
        emails: of the members.
        permissions: of the group; they alone decide what its members may do.
        role: a label, such as Advertiser.
        id: of the group; None: a new one.
        organization_id: of the members' organisation.
        member_permissions: member → permissions, where a member has fewer than the group.
    """

    def __init__(
        self,
        emails: list[str],
        permissions: list[Permission],
        role: str,
        id: str | None = None,
        organization_id: str | None = None,
        member_permissions: dict[str, list[Permission]] | None = None,
    ) -> None:
        self.id = id or generate_id()
        self.emails = emails
        self.permissions = permissions
        self.role = role
        self.organization_id = organization_id
        self.member_permissions = member_permissions

    @classmethod
    def of_wire(cls, group: Mapping[str, Any]) -> Self:
        """Return the participant that a room's state describes."""
        members = group.get("memberPermissions")
        return cls(
            emails=list(group["emails"]),
            permissions=[Permission(name) for name in group["permissions"]],
            role=group["role"],
            id=group["id"],
            organization_id=group.get("organizationId"),
            member_permissions={email: [Permission(name) for name in names] for email, names in members.items()}
            if members is not None
            else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the participant in wire keys.

        Raises:
            AttributeError: a permission is not a member of `Permission`.

        >>> Participant(["me@x.example"], [Permission.VIEW_OVERLAP], "Observer", id="a").as_dict()["permissions"]
        ['VIEW_OVERLAP']
        """
        members = self.member_permissions
        return {
            "id": self.id,
            "role": self.role,
            "emails": self.emails,
            "permissions": [permission.value for permission in self.permissions],
            "organizationId": self.organization_id,
            "memberPermissions": None
            if members is None
            else {email: [permission.value for permission in names] for email, names in members.items()},
        }

    def can_export_audience(self) -> bool:
        """Return whether the group may fetch user lists."""
        return Permission.EXPORT_AUDIENCE in self.permissions
