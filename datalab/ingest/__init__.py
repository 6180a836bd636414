"""Ingest: from an uploaded file to text or tables, and from text to records; it checks no schema."""

from datalab.ingest.failures import FileLevelError
from datalab.ingest.parquet import ParquetMember
from datalab.ingest.source import Input, open_input
from datalab.ingest.text import TextMember

__all__ = ["FileLevelError", "Input", "ParquetMember", "TextMember", "open_input"]
