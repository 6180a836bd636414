"""A running deployment with its portal, as an attacker meets it; one for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.files import open_umask
from tests.living.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A real `datalab up` on a home of its own, with its portal, without users, started under an open umask."""
    world = World(users=300)
    try:
        with open_umask():
            world.start(portal=True)
        yield world
    finally:
        world.end()
