"""What a Chroma server's answer says: nobody's fault, so later again, or some record's fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from chromadb.errors import NotFoundError

from receipt_sync.errors import IndexFailedError, IndexUnavailableError, SyncError

_A_RECORDS_FAULT: Final = {400, 409, 413, 422}
_REFUSED: Final = {401, 403}
_NOT_FOUND: Final = 404


def refuse_unserved(response: httpx.Response) -> None:
    """Raise IndexUnavailableError for an answer that says nothing about the records sent.

    Chroma's client would make one bare Exception of them all, without the status.
    """
    status = response.status_code
    if status < 400 or status == _NOT_FOUND or status in _A_RECORDS_FAULT:
        return
    hint = ": look at CHROMA_TOKEN or CHROMA_API_KEY" if status in _REFUSED else ""
    raise IndexUnavailableError(f"the Chroma server answered {status}{hint}")


@contextmanager
def chroma_answers(call: str) -> Iterator[None]:
    """Raise IndexUnavailableError or IndexFailedError for what Chroma's client raises."""
    try:
        yield
    except SyncError:
        raise
    except httpx.HTTPError as error:
        raise IndexUnavailableError(
            f"the Chroma server did not answer {call!r}: {type(error).__name__}"
        ) from error
    except NotFoundError as error:
        raise IndexUnavailableError(
            "the Chroma server does not know the collection any more"
        ) from error
    except Exception as error:  # Chroma raises bare Exceptions, too
        # Not the error's own words: they may quote a value, and values are receipt text (I8).
        raise IndexFailedError(f"Chroma's {call} failed: {type(error).__name__}") from error
