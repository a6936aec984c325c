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
