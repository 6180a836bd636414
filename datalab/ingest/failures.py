"""What can be wrong with a whole file, with the report's texts; nothing here reads a file.

The texts are those of docs/spec/validation.md#21-file-level-errors.
"""

from __future__ import annotations

from datalab.ingest.limits import RECORD_BYTES

GZIP_TYPE = "application/gzip"
ZIP_TYPE = "application/zip"
PARQUET_TYPE = "application/vnd.apache.parquet"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLS_TYPE = "application/vnd.ms-excel"
BINARY_TYPE = "application/octet-stream"


class FileLevelError(Exception):
    """A file that gets a FAILED report without any row; it controls the validation and is never logged.

    The message may hold names of zip members or columns, so `str()` of the exception is only the code.

    Attributes:
        code: the error code of the report.
        message: the message of the report.
        detected_file_type: the `detectedFileType` of the report, None where the report has none.
    """

    def __init__(self, code: str, message: str, detected_file_type: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.detected_file_type = detected_file_type


def undetectable(reason: str) -> FileLevelError:
    """Return the failure of an input that cannot be read at all, such as a directory."""
    message = f"Could not determine the file type: {reason}. Please re-upload."
    return FileLevelError("FILE_TYPE_DETECTION_FAILED", message, None)


def not_text(type_name: str) -> FileLevelError:
    """Return the failure of a file, or of the content of a gzip, that is neither text nor a readable table."""
    if type_name == BINARY_TYPE:
        message = (
            f"Expected text/CSV, detected binary content ('{BINARY_TYPE}'). "
            "The file may be corrupted or in an unsupported binary format."
        )
    elif type_name == XLSX_TYPE:
        message = "Expected text/CSV, detected Excel .xlsx. Please save the file as CSV and re-upload."
    elif type_name == XLS_TYPE:
        message = "Expected text/CSV, detected Excel .xls. Please save the file as CSV and re-upload."
    else:
        message = f"Expected text/CSV, detected '{type_name}'."
    return FileLevelError("INVALID_FILE_TYPE", message, type_name)


def not_text_in_gzip(inner: str) -> FileLevelError:
    """Return the failure of a gzip whose content has the type `inner`."""
    if inner == PARQUET_TYPE:
        message = (
            "Detected gzip-compressed Parquet. Parquet cannot be read through a gzip stream "
            "— upload the .parquet file directly."
        )
        return FileLevelError("INVALID_FILE_TYPE", message, f"{GZIP_TYPE}; inner={inner}")
    return not_text(f"{GZIP_TYPE}; inner={inner}")


def gzip_damaged(reason: str) -> FileLevelError:
    """Return the failure of a gzip that cannot be decompressed completely."""
    message = f"Could not decompress the uploaded gzip stream: {reason}. The file may be corrupted or truncated."
    return FileLevelError("GZIP_DECODE_ERROR", message, GZIP_TYPE)


def zip_damaged(reason: str) -> FileLevelError:
    """Return the failure of a zip archive, or of a member, that cannot be read."""
    message = (
        f"Could not read the uploaded zip archive: {reason}. The archive may be corrupted, encrypted, or use "
        "an unsupported compression method. Supported compression methods: DEFLATE, ZSTD."
    )
    return FileLevelError("ZIP_DECODE_ERROR", message, ZIP_TYPE)


def zip_member_not_supported(name: str, type_name: str) -> FileLevelError:
    """Return the failure of a zip member that is neither text nor Parquet."""
    message = f"Zip member '{name}' is not supported: {type_name}. Archive members must be CSV or parquet."
    return FileLevelError("ZIP_DECODE_ERROR", message, ZIP_TYPE)


def zip_member_is_compressed_parquet(name: str) -> FileLevelError:
    """Return the failure of a Parquet file that is compressed a second time by its archive."""
    message = (
        f"Zip member '{name}' is a parquet file compressed inside the archive; parquet requires random access. "
        "Re-create the zip with compression disabled (store), or upload the parquet directly."
    )
    return FileLevelError("ZIP_DECODE_ERROR", message, ZIP_TYPE)


def record_too_long(number: int, detected_file_type: str) -> FileLevelError:
    """Return the failure of a file with a record that is longer than any may be; `number` is its row number."""
    message = (
        f"Record {number} is longer than {RECORD_BYTES >> 20} MiB. Most often a quote is never closed; "
        f"look near row {number}."
    )
    return FileLevelError("RECORD_TOO_LONG", message, detected_file_type)


def parquet_unreadable(reason: str, member: str | None) -> FileLevelError:
    """Return the failure of a Parquet file whose footer or pages cannot be read; `member` is its zip member."""
    where = "" if member is None else f"zip member '{member}': "
    message = (
        f"Could not read Parquet file: {where}{reason}. The file may be corrupted or in an unsupported Parquet variant."
    )
    return FileLevelError("PARQUET_READ_ERROR", message, _parquet_type(member))


def parquet_column_is_binary(column: str, type_text: str, member: str | None) -> FileLevelError:
    """Return the failure of a column of bytes that does not say that they are text."""
    detail = f"un-annotated binary column ({type_text}) — re-export with UTF-8 string annotations"
    return _parquet_column(column, detail, member)


def parquet_column_is_nested(column: str, type_text: str, member: str | None) -> FileLevelError:
    """Return the failure of a column of lists, structs or maps."""
    detail = f"nested column type ({type_text}) — flatten to primitive columns before uploading"
    return _parquet_column(column, detail, member)


def parquet_column_is_too_large(column: str, group: int, needed: int, most: int, member: str | None) -> FileLevelError:
    """Return the failure of a column that needs `needed` MiB of memory, more than `most`, in a row group."""
    detail = f"row group {group} of it needs {needed} MiB of memory at once, more than {most} MiB"
    return _parquet_column(column, f"{detail} — write smaller row groups or pages", member)


def _parquet_column(column: str, detail: str, member: str | None) -> FileLevelError:
    where = "" if member is None else f" (zip member '{member}')"
    message = f"Parquet column '{column}' cannot be processed: {detail}{where}"
    return FileLevelError("PARQUET_READ_ERROR", message, _parquet_type(member))


def _parquet_type(member: str | None) -> str:
    return PARQUET_TYPE if member is None else ZIP_TYPE
