"""Passwords that an attacker tries first are not accepted (docs/security.md, "Passwords and files")."""

from __future__ import annotations

import random

import pytest
from argon2 import PasswordHasher

from datalab.registry import passwords
from datalab.registry.errors import UserRefused

pytestmark = pytest.mark.attack

PAT = "pat.smith@publisher.example"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


# fmt: off
COMMON = [
    "password1234", "Password123!", "P@ssw0rd2026", "passwordpassword", "iloveyou1234", "Welcome12345",
    "administrator", "letmein12345", "trustno1trustno1", "princess1234", "liverpool1892", "unbelievable",
    "congratulations", "changeme2026", "monkeymonkey1", "footballfootball",
]
PATTERNS = [
    "aaaaaaaaaaaa", "a" * 1024, "abcabcabcabc", "123456789012", "12" * 40, "abcdefghijkl", "qwertyuiopas",
    "1qaz2wsx3edc", "1qaz2wsx3edc4rfv", "zxcvbnm123456", "q1w2e3r4t5y6", "987654321098", "            ",
    "0101202601012026",
]
OWN = [
    PAT, PAT.upper(), f" {PAT} ", "pat.smith2026", "patsmith@2026", "publisher-2026", "publisherpublisher",
    "Smith-Publisher-1", "smith.publisher.example", "datalab-2026!!", "DataLab DataLab", "datalabdatalab",
    "Portal-datalab-1",
    "DagsterDagster", "d@t@l@b12345",
]
STRONG = [
    "correct horse battery", "another long password", "kJ8#mQ2$vL9p", "Tr0ub4dour&3xyz", "open sesame 1234",
    "smith-xkq92mfz-tor", "fünf grüne Öfen", "\u6b63\u78ba\u99ac\u96fb\u6c60\u91d8\u66f8\u9928\u6d77\u5cf6\u6728\u7a93",
]
# fmt: on


@pytest.mark.parametrize("password", [*COMMON, *PATTERNS])
def test_a_password_that_is_guessed_first_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(UserRefused, match="easy to guess") as refused:
        passwords.hashed(password, PAT)
    assert password.strip() not in str(refused.value) or not password.strip()


@pytest.mark.parametrize("password", OWN)
def test_address_and_product_are_no_password(password: str) -> None:
    with pytest.raises(UserRefused, match="four words"):
        passwords.hashed(password, PAT)


@pytest.mark.parametrize("password", STRONG)
def test_a_password_that_is_hard_to_guess_is_accepted(password: str) -> None:
    assert passwords.matches(password, passwords.hashed(password, PAT))


def test_random_characters_of_every_script_are_judged() -> None:
    """The judge of passwords fails for none; it would be an unexpected failure."""
    drawn = random.Random(5)
    for _ in range(100):
        length = drawn.randint(12, 120)
        password = "".join(
            chr(drawn.choice([*range(1, 0xD800, 7), *range(0xE000, 0x11000, 97)])) for _ in range(length)
        )
        assert passwords.hashed(password, PAT)
