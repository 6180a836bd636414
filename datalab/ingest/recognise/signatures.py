"""Files that are no dataset, by their first bytes; docs/spec/portal.md#2-states lists them."""

from __future__ import annotations

import re

from datalab.ingest.containers import OFFICE_DOCUMENTS
from datalab.ingest.recognise.facts import NoDataset

_PICTURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|II\*\x00|MM\x00\*|BM.{4}\x00{4}|\x00\x00\x01\x00"
    rb"|.{4}ftyp(?:heic|heix|mif1|avif)|8BPS\x00",
    re.DOTALL,
)
_PDF = re.compile(rb"[\s\x00]{0,1024}%PDF-\d")
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"
_ZIP_NAMES = re.compile(rb"PK\x03\x04.{22}(..)(..)", re.DOTALL)
_CONTENT_TYPES = b"[Content_Types].xml"
_MOST_MEMBERS = 1000


def no_dataset(data: bytes) -> NoDataset | None:
    """Return what a file is that begins with `data`, if it is certainly a picture, a PDF or a spreadsheet.

    >>> no_dataset(b"%PDF-1.7 ..."), no_dataset(b"u1,sport")
    (<NoDataset.PDF: 'PDF'>, None)
    """
    if _PICTURE.match(data):
        return NoDataset.PICTURE
    if _PDF.match(data):
        return NoDataset.PDF
    if data.startswith(_OLD_OFFICE) or (data.startswith(b"PK\x03\x04") and _is_office(data)):
        return NoDataset.SPREADSHEET
    return None


def _is_office(data: bytes) -> bool:
    """Return whether the first members of a zip archive are those of an Office document; its end may be missing."""
    if data.startswith(_OPEN_DOCUMENT, 30):
        return True
    folders = tuple(prefix.encode() for prefix in OFFICE_DOCUMENTS)
    for number, found in enumerate(_ZIP_NAMES.finditer(data)):
        length = int.from_bytes(found[1], "little")
        name = data[found.end() : found.end() + length]
        if name == _CONTENT_TYPES or (name.startswith(folders) and name.endswith((b".xml", b".rels"))):
            return True
        if number >= _MOST_MEMBERS:
            break
    return False
