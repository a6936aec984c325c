"""Classify a Chroma server's answers: try again later, or a record is at fault.

Only Chroma itself can report that a record is at fault. Proxies, ingresses and login pages answer
with the same statuses while a server restarts. So an answer counts only in Chroma's own form.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from chromadb.errors import NotFoundError, error_types

from receipt_sync.errors import IndexFailedError, IndexUnavailableError, SyncError

_JUDGED: Final = {400, 404, 409, 422}
"""Statuses with which Chroma refuses a request. Any other status gives no information about a
record.
"""
_REFUSED: Final = {401, 403}


def refuse_unserved(response: httpx.Response) -> None:
    """Raise IndexUnavailableError for an answer that gives no information about the records sent.

    Chroma's client would raise a bare Exception without the status, as it does for a bad record.
    """
    status = response.status_code
    if response.is_success:
        if not _is_json(response):
            raise _not_chromas(response, "it is not JSON")
        if response.read().strip() in {b"", b"null"}:
            raise _not_chromas(response, "it is empty")
        return
    if status in _JUDGED and _is_chromas(response):
        return
    raise IndexUnavailableError(
        f"the Chroma server{_address(response)} answered {status}{_hint(status)}"
    )


def _not_chromas(response: httpx.Response, why: str) -> IndexUnavailableError:
    return IndexUnavailableError(
        f"the response{_address(response)} with status {response.status_code} does not come from "
        f"Chroma, because {why}: check CHROMA_HOST, and the proxy in front of the server"
    )


def _address(source: httpx.Response | httpx.HTTPError) -> str:
    """Return the scheme, host and port of the request, after "at"; an empty text without one.

    The rest of the URL may hold a password.
    """
    try:
        url = source.request.url
    except RuntimeError:
        return ""
    return f" at {url.scheme}://{url.netloc.decode()}"


def _hint(status: int) -> str:
    if status in _REFUSED:
        return ": check CHROMA_TOKEN or CHROMA_API_KEY"
    if status == 413:
        return ": raise the body limit of the proxy in front of the server to 40 MiB"
    if status < 400 or status in _JUDGED:
        return (
            ", but the response does not have Chroma's form: check the proxy in front of the server"
        )
    return ""


def _is_json(response: httpx.Response) -> bool:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _is_chromas(response: httpx.Response) -> bool:
    """Return whether an answer has the form of Chroma's refusals.

    The form is JSON with `error` and `message`. Gateways use the same fields, so `error` must be a
    name that Chroma's own client knows.
    """
    try:
        content = json.loads(response.read())
    except (ValueError, RecursionError):
        return False
    if not isinstance(content, dict) or "message" not in content:
        return False
    return isinstance(content.get("error"), str) and content["error"] in error_types


@contextmanager
def chroma_answers(call: str) -> Iterator[None]:
    """Raise IndexUnavailableError or IndexFailedError in place of the errors of Chroma's client."""
    try:
        yield
    except SyncError:
        raise
    except httpx.HTTPError as error:
        raise IndexUnavailableError(
            f"the Chroma server{_address(error)} did not answer {call!r}: {type(error).__name__}"
        ) from error
    except NotFoundError as error:
        raise IndexUnavailableError(
            "the Chroma server no longer has the collection: it was deleted during the call"
        ) from error
    except (json.JSONDecodeError, AttributeError, KeyError) as error:
        # The client could not read the answer. A record with a fault makes other errors.
        raise IndexUnavailableError(
            f"the answer to {call!r} does not have the form of Chroma's answers "
            f"({type(error).__name__}): check the proxy in front of the server"
        ) from error
    except Exception as error:  # Chroma raises bare Exceptions, too
        # The error's own text is left out: it may quote a value, which is receipt text (I8).
        raise IndexFailedError(f"Chroma's {call} failed: {type(error).__name__}") from error
