"""The tests of `tests/living/test_unanswered.py`, on both homes."""

from tests.living import test_unanswered
from tests.storage_home.again import again

globals().update(again(test_unanswered))
