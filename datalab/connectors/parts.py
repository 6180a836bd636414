"""Which files of a listing are data, and which of them belong together as the parts of one export.

The rule is docs/spec/cases.md#files-that-belong-together-in-a-drop-zone. This module opens no file.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from datalab.connectors.protocol import Entry
from datalab.formats import counted

_NEVER_DATA_ENDS = (".crc", ".md5", ".sha1", ".sha256", ".sha512", ".lock", ".lck", "#")
_DATE = r"(?!(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?(?!\d))"
"""Not a date: dates are versions."""
_BEGIN, _END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_FORMS = [
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        rf"{_BEGIN}(?P<part>\d+)-of-(?P<total>\d+){_END}",
        rf"(?P<part>\d{{4}}_part_\d{{2,}}){_END}",
        r"(?<!\d)(?P<part>0000\d{8})(?=(?:\.[a-z]\w*)*\Z)",
        rf"{_BEGIN}data_(?:[0-9a-f-]{{36}}_)?(?P<part>{_DATE}\d+_\d+_\d+){_END}",
        rf"{_BEGIN}part[-_.](?:[rm]-)?(?P<part>{_DATE}\d+){_END}",
    )
]
_FILE_OF_TASK = re.compile(r"(?<=-)c\d{3,}(?=\.|\Z)", re.ASCII)
_TASK_AND_FILE = re.compile(r"(?<=-)\d+-\d+-c\d{3,}(?=\.|\Z)", re.ASCII)
"""What Spark, and Databricks with its `-tid-`, add to the number of a part."""
_NUMBER = "\0"
"""Stands for the number of a part; no file name has it."""


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files that are one dataset: the parts of an export in the order of their names, or one file."""

    entries: tuple[Entry, ...]

    @property
    def pattern(self) -> str:
        """Their address, with `*` for the number of the part."""
        return key_of(self.entries[0].url).replace(_NUMBER, "*")

    @property
    def missing(self) -> int:
        """How many parts are announced by the names, as in `-00000-of-00010`, and not there."""
        found = [match for entry in self.entries if (match := _FORMS[0].search(entry.name))]
        if not found:
            return 0
        total = int(found[0]["total"])
        numbers = {int(match["part"]) for match in found}
        first = 0 if 0 in numbers else 1
        return max(1, total) - sum(first <= number < first + total for number in numbers)

    @property
    def with_content(self) -> tuple[Entry, ...]:
        """The files that are not empty."""
        return tuple(entry for entry in self.entries if entry.size != 0)

    @property
    def name(self) -> str:
        """What the dataset is called, such as `part-0000.csv and 2 more.zip`."""
        filled = self.with_content or self.entries
        return filled[0].name if len(filled) == 1 else f"{filled[0].name} and {len(filled) - 1} more.zip"

    @property
    def title(self) -> str:
        """The group in messages, such as `part-*.csv (3 parts)`."""
        if len(self.entries) == 1:
            return shown(self.entries[0].name)
        return f"{shown(self.pattern.rpartition('/')[2])} ({counted(len(self.entries), 'part')})"

    @property
    def fingerprint(self) -> str:
        """Identifies these versions of these files; of one file, that of the file."""
        if len(self.entries) == 1:
            return self.entries[0].fingerprint
        return hashlib.sha256("\n".join(entry.fingerprint for entry in self.entries).encode()).hexdigest()[:16]

    @property
    def age(self) -> tuple[float, str, str]:
        """Orders groups: the one with the newest file is the greatest."""
        return max(
            (entry.modified.timestamp() if entry.modified else 0.0, entry.url, entry.fingerprint)
            for entry in self.entries
        )


def groups_of(listed: Iterable[Entry]) -> list[FileGroup]:
    """Return the data of a listing, the files that belong together in one group, sorted by address.

    Names that are not UTF-8 are in groups too; see `has_valid_name`.
    """
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in listed:
        if is_data(entry.name):
            found[key_of(entry.url)].append(entry)
    return [FileGroup(tuple(sorted(entries, key=lambda entry: entry.url))) for _, entries in sorted(found.items())]


def is_data(name: str) -> bool:
    """Return whether a file of this name may be data: markers, hidden files, checksums and locks never are.

    >>> [is_data(name) for name in ("segments.csv", "_SUCCESS", ".part-0.csv.crc", "a#1.csv", "a.csv#")]
    [True, False, False, True, False]
    """
    return not name.startswith((".", "_")) and not name.lower().endswith(_NEVER_DATA_ENDS)


def has_valid_name(entry: Entry) -> bool:
    """Return whether the address of a file is text: a file name may be any bytes."""
    try:
        entry.url.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(text: str) -> str:
    r"""Return a name for a message: bytes that are no text and control characters are written out.

    >>> shown("a\udcffb\n.csv")
    'a\\xffb\\n.csv'
    """
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in readable
    )


def key_of(url: str) -> str:
    r"""Return what the addresses of files that belong together have in common; of a file that is no part, its address.

    >>> key_of("/drop/part-00000.csv"), key_of("/drop/data_0_1_2.csv.gz"), key_of("/drop/segments-1.csv")
    ('/drop/part-\x00.csv', '/drop/data_\x00.csv.gz', '/drop/segments-1.csv')
    """
    folder, slash, name = url.rpartition("/")
    for form in _FORMS:
        if found := form.search(name):
            before, after = name[: found.start("part")], name[found.end("part") :]
            if before.lower().endswith("part-"):
                after = (_TASK_AND_FILE if "-tid-" in after else _FILE_OF_TASK).sub(_NUMBER, after)
            return f"{folder}{slash}{before}{_NUMBER}{after}"
    return url
