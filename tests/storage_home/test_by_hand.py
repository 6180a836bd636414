"""The tests of `tests/living/test_by_hand.py`, on both homes."""

from tests.living import test_by_hand
from tests.storage_home.again import again

globals().update(again(test_by_hand))
