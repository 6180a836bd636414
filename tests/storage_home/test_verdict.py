"""The tests of `tests/living/test_verdict.py`, on both homes."""

from tests.living import test_verdict
from tests.storage_home.again import again

globals().update(again(test_verdict))
