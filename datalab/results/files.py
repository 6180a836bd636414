"""The files of a result: the name, the media type and the audience of each."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

JSON, HTML = "application/json", "text/html"


class Audience(StrEnum):
    """Who may see a file of a result."""

    SHARED = "shared"
    """Everyone who may read the lab; also the vendor's admins, if the lab shares its statistics."""
    READERS = "readers"
    """Everyone who may read the lab."""
    PRIVATE = "private"
    """Only users who may see values of rows."""


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file of a result.

    Attributes:
        name: of the file, in a preflight's folder, over HTTP and in the vendor's zip.
        media_type: of its content.
        audience: who may see it.
    """

    name: str
    media_type: str
    audience: Audience

    @property
    def zip_name(self) -> str:
        """The name of the zip that holds the file alone."""
        return str(PurePath(self.name).with_suffix(".zip"))

    def zipped(self, content: bytes) -> bytes:
        """Return a zip that holds the file alone; the same content gives the same bytes."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(self.name), content, zipfile.ZIP_DEFLATED)
        return stream.getvalue()


STATISTICS = ResultFile("statistics.json", JSON, Audience.SHARED)
VALIDATION_STATUS = ResultFile("validation-status.json", JSON, Audience.SHARED)
COMPARISON = ResultFile("comparison.json", JSON, Audience.READERS)
"""Only written if there was an earlier refresh."""
MATCHABLE_USERS = ResultFile("matchable-users.json", JSON, Audience.SHARED)
"""Not in the statistics, whose JSON is the vendor's; results of earlier versions have none."""
DASHBOARD = ResultFile("dashboard.html", HTML, Audience.SHARED)
VALIDATION_REPORT = ResultFile("validation-report.json", JSON, Audience.PRIVATE)
"""One for each dataset; it holds sample values of rows."""

RESULT_FILES = (STATISTICS, VALIDATION_STATUS, COMPARISON, MATCHABLE_USERS, DASHBOARD, VALIDATION_REPORT)
AGGREGATES = {file.name: file for file in RESULT_FILES if file.audience is not Audience.PRIVATE}
"""The files without a value of a row, by name."""
SHARED = {file.name: file for file in RESULT_FILES if file.audience is Audience.SHARED}
"""The files that the vendor's admins see of a lab that shares its statistics, by name."""
