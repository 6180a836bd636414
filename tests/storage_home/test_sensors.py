"""The tests of `tests/living/test_sensors.py`, on both homes."""

from tests.living import test_sensors
from tests.storage_home.again import again

globals().update(again(test_sensors))
