"""Where a deployment under attack is, and the secret that signs in; no test is here."""

from __future__ import annotations

import re

from datalab.home.up import UpRecord, running
from tests.living.world import World


def record(world: World) -> UpRecord:
    found = running(world.data_home)
    assert found is not None and found.portal_url is not None
    return found


def portal_url(world: World) -> str:
    return str(record(world).portal_url)


def printed(world: World) -> str:
    """The address of the portal as `datalab up` printed it."""
    [address] = re.findall(r"Portal +(\S+)", world.said())
    return str(address)


def secret(world: World) -> str:
    return printed(world).partition("?token=")[2]
