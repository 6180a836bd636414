"""Recognises what a file is: bytes in, facts out, never a value.

The rules are those of docs/spec/portal.md#2-states. `recognise` takes the beginning of a file; `recognise_file` also
opens Parquet and zip, whose directories are at their ends.
"""

from datalab.ingest.recognise.facts import ColumnFacts, Container, FileFacts, Form, NoDataset, ValueType
from datalab.ingest.recognise.proposal import proposed_lab
from datalab.ingest.recognise.read import recognise, recognise_file, recognise_path
from datalab.ingest.recognise.table import Recognised

__all__ = [
    "ColumnFacts",
    "Container",
    "FileFacts",
    "Form",
    "NoDataset",
    "Recognised",
    "ValueType",
    "proposed_lab",
    "recognise",
    "recognise_file",
    "recognise_path",
]
