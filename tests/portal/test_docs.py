"""docs/api.md and the API name the same things."""

from __future__ import annotations

import re
from pathlib import Path

from datalab.registry.accounts import Role
from datalab.registry.sessions import PER_ACCOUNT, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, WINDOW
from tests.portal.test_matrix import API

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def test_every_group_of_routes_is_described_and_none_is_made_up() -> None:
    groups = {name.split("/")[2] for name in API if "/api/" in name}
    assert set(re.findall(r"/api/([a-z-]+)", TEXT)) == groups


def test_roles_and_limits_are_those_of_the_code() -> None:
    assert all(re.search(rf"^\| {role.value}\b", TEXT, re.MULTILINE) for role in Role)
    limits = f"{PER_ACCOUNT_AND_ADDRESS} of one account from one address, {PER_ADDRESS} from one\naddress"
    assert limits in TEXT and f"{PER_ACCOUNT} of one account;" in TEXT
    assert f"last {WINDOW.seconds // 60} minutes" in TEXT
