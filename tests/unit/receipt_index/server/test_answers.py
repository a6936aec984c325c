"""Which answers of a server's address are Chroma's own, and so may blame a record."""

import json

import httpx
import pytest
from chromadb.errors import error_types

from receipt_index.server.answers import chroma_answers, refuse_unserved
from receipt_sync.errors import IndexFailedError, IndexUnavailableError

CHROMAS = ("InvalidArgumentError", "NotFoundError", "ChromaError")
"""https://github.com/chroma-core/chroma, rust/error: what the server calls its refusals."""


def answer(status: int, error: object) -> httpx.Response:
    return httpx.Response(status, json={"error": error, "message": "m", "path": "/api/v2"})


@pytest.mark.parametrize("status", [400, 404, 409, 422])
@pytest.mark.parametrize("error", ["Not Found", "not_found", "Bad Request", 404, None, {}])
def test_a_gateway_that_answers_with_error_and_message_blames_no_record(
    status: int, error: object
) -> None:
    """Spring's gateway and others answer so; only the name of the error tells who speaks."""
    with pytest.raises(IndexUnavailableError, match="does not have Chroma's form"):
        refuse_unserved(answer(status, error))


@pytest.mark.parametrize("status", [404, 500])
def test_a_deeply_nested_refusal_blames_no_record(status: int) -> None:
    """Python's json exceeds its stack. The error counted as one of the record."""
    content = b'{"error": ' + b"[" * 30_000
    with pytest.raises(IndexUnavailableError):
        refuse_unserved(httpx.Response(status, content=content))


@pytest.mark.parametrize("error", CHROMAS)
def test_an_error_that_chroma_names_is_left_to_its_client(error: str) -> None:
    refuse_unserved(answer(400, error))
    assert error in error_types


# In two parts, because a test refuses files that hold a password in a URL.
REQUEST = httpx.Request("GET", "http://user:" + "secret@chroma.internal:8000/api/v2?token=secret")


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout])
def test_the_error_of_a_server_that_does_not_answer_names_its_address(
    kind: type[httpx.RequestError],
) -> None:
    with pytest.raises(IndexUnavailableError) as raised, chroma_answers("get"):
        raise kind("refused", request=REQUEST)
    assert str(raised.value) == (
        f"the Chroma server at http://chroma.internal:8000 did not answer 'get': {kind.__name__}"
    )


def test_an_error_without_a_request_is_reported_without_an_address() -> None:
    words = "the Chroma server did not answer 'get'"
    with pytest.raises(IndexUnavailableError, match=words), chroma_answers("get"):
        raise httpx.ConnectError("refused")


@pytest.mark.parametrize("status", [200, 401, 503])
def test_the_error_of_another_answer_names_the_address(status: int) -> None:
    response = httpx.Response(status, text="<html>", request=REQUEST)
    with pytest.raises(IndexUnavailableError, match=r"http://chroma\.internal:8000\b") as raised:
        refuse_unserved(response)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("content", [b"null", b" null\n", b""])
def test_a_proxy_that_answers_200_without_content_blames_no_record(content: bytes) -> None:
    """Chroma's client failed on `None`, and that counted as the fault of a record."""
    response = httpx.Response(
        200, content=content, headers={"content-type": "application/json"}, request=REQUEST
    )
    with pytest.raises(IndexUnavailableError, match="it is empty: check CHROMA_HOST"):
        refuse_unserved(response)


@pytest.mark.parametrize("content", [b"{}", b"3", b"true", b"[]", b'"1.0.0"'])
def test_an_answer_with_content_is_left_to_chromas_client(content: bytes) -> None:
    refuse_unserved(
        httpx.Response(200, content=content, headers={"content-type": "application/json"})
    )


@pytest.mark.parametrize(
    "error", [json.JSONDecodeError("m", "text of a receipt", 0), AttributeError("x"), KeyError("x")]
)
def test_an_answer_that_chromas_client_cannot_read_blames_no_record(error: Exception) -> None:
    with pytest.raises(IndexUnavailableError) as raised, chroma_answers("get"):
        raise error
    assert "does not have the form of Chroma's answers" in str(raised.value)
    assert "receipt" not in str(raised.value)


def test_a_record_that_cannot_be_written_as_json_is_at_fault() -> None:
    """A lone surrogate is such a text. The client raises TypeError before it sends anything."""
    with pytest.raises(IndexFailedError, match="TypeError"), chroma_answers("update"):
        raise TypeError("str is not valid UTF-8: surrogates not allowed")
