"""The unknown parts of a status: AWS refused the calls that they need, or this machine failed.

A missing right or a throttled service must not hide the other parts.
"""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from receipt_ops.connection import Connection
from receipt_ops.terminal.failures import is_of_one_call, reason_of, sentence
from receipt_ops.terminal.unexpected import machine_fault
from receipt_sync.errors import SyncError

T = TypeVar("T")


class Unknown:
    """Reads parts and notes those that cannot be read. `why` maps a part to the reason.

    `machine_fault` is the reason if a fault of this machine is one of them, such as a full disk.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.why: dict[str, str] = {}
        self.machine_fault: str | None = None

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
            self.machine_fault = self.machine_fault or machine_fault(error)
        return otherwise
