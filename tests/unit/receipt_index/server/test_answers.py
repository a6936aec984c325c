"""Which answers of a server's address are Chroma's own, and so may blame a record."""

import httpx
import pytest
from chromadb.errors import error_types

from receipt_index.server.answers import refuse_unserved
from receipt_sync.errors import IndexUnavailableError

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


@pytest.mark.parametrize("error", CHROMAS)
def test_an_error_that_chroma_names_is_left_to_its_client(error: str) -> None:
    refuse_unserved(answer(400, error))
    assert error in error_types
