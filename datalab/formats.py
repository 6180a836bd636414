"""Formats of numbers, shares, changes, sizes, durations and times for people, in every output.

This module does not know what the values mean. Texts that the specification binds, such as the messages of findings,
are formatted by the modules that compose them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

NOTHING = "–"
"""Text in place of a missing value."""

SIZE_UNITS = ("kB", "MB", "GB", "TB")
"""Units of sizes above 999 bytes, each a thousand times the one before."""

Cell = int | str | None
"""A count, the text that hides one (such as "< 10"), or no value."""
_FORMULA = re.compile(
    r"(^|[;,|\t\r\n])(?=\"*[=+\-@\uff1d\uff0b\uff0d\uff20])"
    r"(?!-\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?(?:$|[;,|\t\r\n]))"
)
"""Where a spreadsheet could begin a formula: at the beginning of a cell, or of what it takes for one, also in quotes; a
negative number is none."""


def number(value: Cell | float) -> str:
    """Write a count with thousands separators, an average with two decimals, and text unchanged.

    Example:
        >>> number(1234567), number(1234.5), number("< 10"), number(None)
        ('1,234,567', '1,234.50', '< 10', '–')
    """
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def share(value: float | None) -> str:
    """Write a share (0 to 1) in percent with one decimal; only exactly 0 and 1 are written as 0.0% and 100.0%.

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
    """Write an average with two decimals, also if it is a whole number.

    Example:
        >>> decimal(1), decimal(1.25), decimal(None)
        ('1.00', '1.25', '–')
    """
    return number(float(value) if isinstance(value, int) else value)


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
    """Write a relative change with its sign.

    Example:
        >>> signed_share(0.25), signed_share(-0.5), signed_share(None)
        ('+25.0%', '−50.0%', '–')
    """
    return NOTHING if value is None else f"{value:+.1%}".replace("-", "−")


def size(count: int) -> str:
    """Write a number of bytes.

    Example:
        >>> size(0), size(1), size(999), size(1_500_000), size(999_960), size(5_000_000_000_000_000)
        ('0 bytes', '1 byte', '999 bytes', '1.5 MB', '1.0 MB', '5,000.0 TB')
    """
    if count < 1000:
        return counted(count, "byte")
    value = float(count)
    for unit in SIZE_UNITS[:-1]:
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:,.1f} {SIZE_UNITS[-1]}"


def duration(seconds: float) -> str:
    """Write a duration in seconds, minutes or hours; an int of less than a minute has no decimals.

    Example:
        >>> duration(0.04), duration(12.3), duration(12), duration(75), duration(120), duration(7300)
        ('0.0 s', '12.3 s', '12 s', '1 min 15 s', '2 min', '2 h 1 min')
    """
    if seconds < 59.95:
        return f"{seconds} s" if isinstance(seconds, int) else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def moment(value: datetime) -> str:
    """Write a time in UTC, to the minute; a time without zone is assumed to be UTC."""
    utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M} UTC"


def name_or_unnamed(name: str, created_at: datetime | None = None) -> str:
    """Return a name as people see it; one without a visible character is no name.

    Example:
        >>> name_or_unnamed("Sports"), name_or_unnamed(" ", datetime(2026, 11, 26, 2, 12))
        ('Sports', 'Unnamed, created 2026-11-26 02:12 UTC')
    """
    if any(character.isprintable() and not character.isspace() for character in name):
        return name
    return f"Unnamed, created {moment(created_at)}" if created_at else "Unnamed"


def listed(words: list[str], last: str = "and") -> str:
    """Join words with commas, and the last two with `last`.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def counted(n: int, word: str) -> str:
    """Write a count and its noun; the plural of the noun must be regular.

    Example:
        >>> counted(1, "data error"), counted(2000, "data error")
        ('1 data error', '2,000 data errors')
    """
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def figures_in_text(text: str) -> str:
    """Write the numbers of a sentence as pages do: with thousands separators, and shares in percent.

    Example:
        >>> figures_in_text("1500 of 4468 users are not in identifiers (limit 0.01)")
        '1,500 of 4,468 users are not in identifiers (limit 1%)'
    """
    text = re.sub(r"(?<=[ (])-(?=\d)", "−", text)
    text = re.sub(r"(?<![\w.,])\d{4,}(?![\w.,]\d)", lambda match: f"{int(match[0]):,}", text)
    return re.sub(r"(?<![\w.,])0\.\d+(?![\w%])", lambda match: f"{100 * float(match[0]):.6g}%", text)


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula: an apostrophe before what could begin one.

    >>> harmless("=1+1"), harmless("-0.25"), harmless("a;@b")
    ("'=1+1", '-0.25', "a;'@b")
    """
    return _FORMULA.sub(r"\1'", cell)
