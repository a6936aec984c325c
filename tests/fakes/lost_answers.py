"""A client of AWS that carries a call out and loses its answer."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ReadTimeoutError


class LosingAnswers:
    """Passes every call on to `client`. The next `times` answers of `operation` are lost.

    `repeated` plays the client's own repetition: the lost call is sent once more at once, and what
    that one answers or raises is what the caller sees.
    """

    def __init__(
        self, client: Any, operation: str, *, times: int = 1, repeated: bool = False
    ) -> None:
        self._client, self._operation = client, operation
        self._left, self._repeated = times, repeated

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._losing(found) if name == self._operation else found

    def _losing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def lose(**arguments: Any) -> Any:
            answer = call(**arguments)
            if not self._left:
                return answer
            self._left -= 1
            if self._repeated:
                return call(**arguments)
            raise ReadTimeoutError(endpoint_url="https://aws")

        return lose
