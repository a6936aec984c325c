"""An AWS client that carries out a call and loses the response."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ReadTimeoutError


class LosingAnswers:
    """Passes every call on to `client`, and loses the next `times` responses of `operation`.

    `repeated` simulates a retry inside the client. The client then repeats the lost call at once,
    and the caller gets the response or the error of the second call.
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
