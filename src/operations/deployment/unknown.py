"""Parts of a status that can't be told, as AWS refuses to say what they need.

One right that is missing, or one service that throttles, must not hide what the others say.
"""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from operations.connection import Connection
from operations.failures import is_of_one_call, sentence
from receipt_sync.errors import SyncError

T = TypeVar("T")


class Unknown:
    """Asks for parts, and notes those that can't be told. `why` is part → reason."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.why: dict[str, str] = {}

    def ask(self, part: str, call: Callable[[], T], otherwise: T) -> T:
        """Return what a call returns; `otherwise` if it is refused, which is noted.

        Raises botocore's errors for what would refuse every call, such as expired credentials.
        """
        try:
            return call()
        except ClientError as error:
            if not is_of_one_call(error):
                raise
            self.why[part] = sentence(error, self._connection)
        except SyncError as error:
            self.why[part] = str(error)
        return otherwise
