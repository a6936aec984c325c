"""The moments of a cycle at which a worker is struck."""

from enum import StrEnum
from typing import Final


class Moment(StrEnum):
    """The moments. A report shows their values."""

    RANDOM = "at random"
    LEASED = "the lease was acquired"
    READING = "checked out, the table not read"
    WRITING = "the first write to Chroma"
    WRITTEN = "between two calls of Chroma"
    PERSIST = "the middle of an HNSW persist"
    REBUILDING = "a new generation filled, not compared"
    REBUILT = "before a new generation takes its place"
    REPLACED = "a new generation in place, not published"
    UPLOADING = "before the upload of a pack"
    HALF_UPLOADED = "the middle of the upload of a pack"
    UPLOADED = "a pack uploaded, no manifest"
    SWAPPING = "before the manifest swap"
    HALF_SWAPPED = "the middle of the manifest swap"
    SWAPPED = "the manifest swapped, its answer unread"
    ACKNOWLEDGING = "published, not acknowledged"
    FUNCTION = "at random, the deployed function"


CHOSEN: Final = tuple(moment for moment in Moment if moment not in (Moment.RANDOM, Moment.FUNCTION))
"""The moments that a worker announces, or at which it is observed."""

OF_A_REBUILD: Final = (Moment.REBUILDING, Moment.REBUILT, Moment.REPLACED)
"""The moments at which the worker makes a new generation, although none is due."""
