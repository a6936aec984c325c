"""Planted bugs of the derived files of the exact search."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from receipt_index.exact.record_table import RecordTable
from receipt_index.exact.vector_file import VectorFile
from receipt_index.exact.writing import ExactWriter


def derived_file_not_updated_on_delete() -> AbstractContextManager[Any]:
    """Leave deleted records in the derived files."""
    return patch.object(ExactWriter, "delete", lambda *_: None)


def derived_file_not_updated_on_replace() -> AbstractContextManager[Any]:
    """Leave the older vector of a record in the derived files."""
    return patch.object(ExactWriter, "replace", lambda *_: None)


def freed_row_searched() -> AbstractContextManager[Any]:
    """Leave the vector of a row that no record has any more."""
    return patch.object(VectorFile, "clear", lambda *_: None)


def shared_row_freed() -> AbstractContextManager[Any]:
    """Free the row of a vector although other records have it, too."""
    return patch.object(RecordTable, "is_used", lambda *_: False)
