"""The tests of `tests/living/test_ticks.py`, on both homes."""

from tests.living import test_ticks
from tests.storage_home.again import again

globals().update(again(test_ticks))
