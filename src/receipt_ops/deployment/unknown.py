"""The unknown parts of a status: AWS refused the calls that they need.

A missing right or a throttled service must not hide the other parts.
"""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from receipt_ops.connection import Connection
from receipt_ops.terminal.failures import is_of_one_call, reason_of, sentence
from receipt_sync.errors import SyncError

T = TypeVar("T")


class Unknown:
    """Reads parts and notes those that AWS refuses. `why` maps a part to the reason."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.why: dict[str, str] = {}

    def ask(self, part: str, call: Callable[[], T], otherwise: T) -> T:
        """Return the result of a call. If AWS refuses it, note that and return `otherwise`.

        Raises errors of botocore that concern every call, such as expired credentials.
        """
        try:
            return call()
        except ClientError as error:
            if not is_of_one_call(error):
                raise
            self.why[part] = sentence(error, self._connection)
        except SyncError as error:
            self.why[part] = reason_of(error, self._connection)
        return otherwise
