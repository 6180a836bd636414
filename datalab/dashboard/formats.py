"""How numbers, shares, changes and times are written on the page; nothing here knows what they mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime

NOTHING = "–"
"""Stands where there is no value."""

Cell = int | str | None
"""A count, the text that hides one (such as "< 10"), or nothing."""


def number(value: Cell) -> str:
    """Write a count with thousands separators; text passes through.

    Example:
        >>> number(1234567), number("< 10"), number(None)
        ('1,234,567', '< 10', '–')
    """
    if value is None:
        return NOTHING
    return f"{value:,}" if isinstance(value, int) else value


def share(value: float | None) -> str:
    """Write a share (0 to 1) in percent with one decimal; what is not exactly 0 or 1 never reads so.

    Example:
        >>> share(0.1234), share(0.0001), share(0.0), share(0.9999), share(None)
        ('12.3%', '< 0.1%', '0.0%', '> 99.9%', '–')
    """
    if value is None:
        return NOTHING
    if 0 < value < 0.001:
        return "< 0.1%"
    if 0.999 < value < 1:
        return "> 99.9%"
    return f"{value:.1%}"


def decimal(value: float | str | None) -> str:
    """Write an average with two decimals."""
    return f"{value:,.2f}" if isinstance(value, float | int) else value or NOTHING


def signed(value: Cell) -> str:
    """Write a change with its sign.

    Example:
        >>> signed(1200), signed(-3), signed(0)
        ('+1,200', '−3', '0')
    """
    if not isinstance(value, int):
        return number(value)
    return f"{value:+,}".replace("-", "−") if value else "0"


def signed_share(value: float | None) -> str:
    """Write a relative change with its sign."""
    return NOTHING if value is None else f"{value:+.1%}".replace("-", "−")


def moment(value: datetime) -> str:
    """Write a time in UTC, to the minute; a time without zone is taken as UTC."""
    utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M} UTC"


def listed(words: list[str], last: str = "and") -> str:
    """Join words as a sentence does.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def counted(n: int, word: str) -> str:
    """Write a number of things; the plural is regular.

    Example:
        >>> counted(1, "data error"), counted(2, "data error")
        ('1 data error', '2 data errors')
    """
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def figures_in_text(text: str) -> str:
    """Write the numbers of a sentence as the page does: thousands separated, shares in percent.

    Example:
        >>> figures_in_text("1500 of 4468 users are not in identifiers (limit 0.01)")
        '1,500 of 4,468 users are not in identifiers (limit 1%)'
    """
    text = re.sub(r"(?<=[ (])-(?=\d)", "−", text)
    text = re.sub(r"(?<![\w.,])\d{4,}(?![\w.,]\d)", lambda match: f"{int(match[0]):,}", text)
    return re.sub(r"(?<![\w.,])0\.\d+(?![\w%])", lambda match: f"{100 * float(match[0]):.6g}%", text)
