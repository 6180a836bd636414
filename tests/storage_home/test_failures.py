"""The tests of `tests/living/test_failures.py`, on both homes."""

from tests.living import test_failures
from tests.storage_home.again import again

globals().update(again(test_failures))
