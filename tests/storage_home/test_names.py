"""The tests of `tests/living/test_names.py`, on both homes."""

from tests.living import test_names
from tests.storage_home.again import again

globals().update(again(test_names))
