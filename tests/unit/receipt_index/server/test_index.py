"""An answer that Chroma would not give comes from a proxy."""

from typing import Any

import pytest

from receipt_index.server.index import ServerIndex, directly
from receipt_index.server.limits import SERVER
from receipt_sync.errors import IndexUnavailableError


class Answering:
    """A collection whose number of records is any JSON."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def count(self) -> Any:
        return self._answer


@pytest.mark.parametrize("answer", [{}, [], "ok", "7", True, 1.5])
def test_a_count_that_is_no_number_makes_the_server_unavailable(answer: Any) -> None:
    """It was a bare TypeError, which the circuit breaker did not count."""
    with pytest.raises(IndexUnavailableError, match="check the proxy"):
        ServerIndex(None, Answering(answer), SERVER, directly).count()


def test_a_number_is_the_count() -> None:
    assert ServerIndex(None, Answering(7), SERVER, directly).count() == 7


class Holding:
    """A collection whose `get` answers with any content."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def get(self, **_: Any) -> dict[str, Any]:
        return {"included": ["metadatas", "documents"], **self._answer}


@pytest.mark.parametrize(
    "answer",
    [
        {"ids": {}, "metadatas": [], "documents": []},
        {"ids": [7], "metadatas": [{}], "documents": ["a"]},
        {"ids": ["a"], "metadatas": None, "documents": ["a"]},
        {"ids": ["a"], "metadatas": [{}], "documents": []},
        {},
    ],
)
def test_records_in_another_form_make_the_server_unavailable(answer: dict[str, Any]) -> None:
    with pytest.raises(IndexUnavailableError, match="check the proxy"):
        ServerIndex(None, Holding(answer), SERVER, directly).get(["a"])


def test_records_in_chromas_form_are_read() -> None:
    answer = {"ids": ["a"], "metadatas": [None], "documents": ["text"]}
    found = ServerIndex(None, Holding(answer), SERVER, directly).get(["a", "b"])
    assert found["a"].document == "text"
