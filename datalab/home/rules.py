"""The rules of single settings: cron, time zone, memory, address, limits; each error says what to write."""

from __future__ import annotations

import functools
import ipaddress
import re
import zoneinfo
from collections.abc import Sequence
from urllib.parse import urlsplit

from croniter import CroniterBadDateError, croniter
from pydantic import ValidationError

from datalab.errors import suggestion
from datalab.home.errors import PartWrong

_CRON_FIELDS = (
    ("a minute", "0 to 59"),
    ("an hour", "0 to 23"),
    ("a day of the month", "1 to 31"),
    ("a month", "1 to 12 or jan to dec"),
    ("a day of the week", "0 to 7 or sun to sat; 0 and 7 are Sunday"),
)
_NEAREST_WEEKDAY = re.compile(r"\dw|lw", re.IGNORECASE)
_MEMORY = re.compile(r"\s*(\d+(\.\d+)?\s*(b|[kmgt]i?b?|%)|none|-1)\s*", re.IGNORECASE)


@functools.cache  # settings are read whenever a deployment is opened, and this takes most of the time
def cron(text: str) -> str:
    """Return a schedule that Dagster also accepts.

    Raises:
        ValueError: it does not have five fields, a field is wrong, or it names a day that does not exist.

    >>> cron("0 3 * * *")
    '0 3 * * *'
    >>> cron("99 3 * * *")
    Traceback (most recent call last):
    ValueError: '99' is not a minute; write 0 to 59, or * for every
    """
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        raise ValueError(
            f"'{text}' must have five fields (minute, hour, day of the month, month, day of the week), such as "
            "'0 3 * * *' for 03:00 every day"
        )
    for place, (field, (name, range_)) in enumerate(zip(fields, _CRON_FIELDS, strict=True)):
        alone = ["*"] * len(fields)
        alone[place] = field
        if not field.isascii() or _NEAREST_WEEKDAY.search(field) or not croniter.is_valid(" ".join(alone)):
            raise ValueError(f"'{field}' is not {name}; write {range_}, or * for every")
    if not croniter.is_valid(text) or _never(text):
        raise ValueError(f"'{text}' names a day that never comes; correct the day of the month or the month")
    return text


def _never(text: str) -> bool:
    expanded: Sequence[Sequence[int | str]] = croniter.expand(text)[0]
    if list(expanded[3]) == [2] and list(expanded[2]) in ([30], [31]):  # Dagster refuses it for any weekday
        return True
    try:
        croniter(text).get_next()
    except CroniterBadDateError:
        return True
    return False


def time_zone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        ValueError: the time zone database does not hold it.

    >>> time_zone("Europe/Berlin")
    'Europe/Berlin'
    """
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = suggestion(name, sorted(zoneinfo.available_timezones()))
        raise ValueError(
            f"'{name}' is not a time zone{near or '; write an IANA name, such as Europe/Berlin or UTC'}"
        ) from None
    return name


def memory(text: str) -> str:
    """Return a size of memory that the SQL engine accepts.

    Raises:
        ValueError: it does not consist of a number and a unit.

    >>> memory("4GB")
    '4GB'
    """
    if not _MEMORY.fullmatch(text):
        raise ValueError(f"'{text}' is not a size of memory; write a number and a unit, such as 1500MiB or 4GB")
    return text


def web_address(url: str | None) -> str | None:
    """Return the address of a site.

    Raises:
        ValueError: it does not name a scheme and a host. The address is not repeated: it may hold a password.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return url
    except ValueError:
        pass
    raise ValueError("is not the address of a site; write it with its scheme, such as https://labs.publisher.example")


def storage_url(url: str) -> str:
    """Return a path or URL of the dataset store; addresses of drop zones are for connectors, which bring schemes.

    Raises:
        ValueError: fsspec knows no such scheme. The URL is not repeated: it may hold a password.

    >>> storage_url("s3://labs/store")
    's3://labs/store'
    """
    schemes = [part.partition("://")[0] for part in url.split("::") if "://" in part]
    if schemes:
        import fsspec  # takes a moment, which only those pay who name a scheme

        known = fsspec.available_protocols()
        for scheme in schemes:
            if scheme not in known:
                near = suggestion(scheme, known) or "; write a scheme of fsspec, such as s3, or a directory"
                raise ValueError(f"'{scheme}' is not a scheme of storage{near}")
    return url


def limits(values: dict[str, float]) -> dict[str, float]:
    """Return limits of findings.

    Raises:
        PartWrong: a name is unknown, or a value impossible.
    """
    if values:
        from datalab.statistics.findings import Thresholds  # takes a second, needed only if limits are set

        try:
            Thresholds.model_validate(values)
        except ValidationError as error:
            raise PartWrong(error, Thresholds) from None
    return values


def is_loopback(host: str) -> bool:
    """Return whether `host` is an address or name of this machine that no other machine can reach.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "labs.example")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
