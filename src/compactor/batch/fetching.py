"""Fetch the vectors that messages announce."""

from collections.abc import Callable, Sequence

from compactor.batch.entries import Entry
from receipt_index.deltas import DeltaStore, VectorBatch, decode
from receipt_sync.errors import PermanentError
from receipt_sync.messages import Delta, Poison
from receipt_sync.parallel import in_parallel

Fail = Callable[[Entry, Exception], None]
"""Returns a message to the queue."""


class Fetcher:
    """Fetches the vectors of messages.

    Objects are read several at a time, and decoded one after another (see
    `compactor.batch.slices`).
    """

    def __init__(self, store: DeltaStore, fail: Fail) -> None:
        self._store, self._fail = store, fail

    def fetch(self, entries: Sequence[Entry]) -> list[VectorBatch]:
        """Return the vectors of the messages.

        A delta that can never be applied becomes poison. After any other error, the message returns
        to the queue.
        """
        objects = in_parallel(self._read, entries)
        batches = []
        for number, entry in enumerate(entries):
            data, objects[number] = objects[number], None
            batch = self._decode(entry, data)
            if batch is not None:
                entry.receipts |= {key.metadata for key in batch.keys}
                batches.append(batch)
        return batches

    def _read(self, entry: Entry) -> bytes | Exception:
        try:
            return self._store.read(_delta_of(entry).delta_key)
        except Exception as error:  # noqa: BLE001 one message's error must not stop the others
            return error

    def _decode(self, entry: Entry, data: bytes | Exception) -> VectorBatch | None:
        try:
            if isinstance(data, Exception):
                raise data
            return decode(data, _delta_of(entry))
        except PermanentError as error:
            entry.poison.append(Poison(entry.message.body, str(error)))
            entry.is_hopeless = True
        except Exception as error:  # noqa: BLE001 one message's error must not stop the others
            self._fail(entry, error)
        return None


def _delta_of(entry: Entry) -> Delta:
    if entry.delta is None:
        raise AssertionError("vectors come with their delta")
    return entry.delta
