"""Writes to the table, with 25 items in a request and four requests at a time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from receipt_ops.errors import TableWriteError
from receipt_ops.loading.dynamodb_items import item_of
from receipt_ops.loading.items import Entity
from receipt_sync.keys import EntityKey
from receipt_sync.retries.retry_until_accepted import PATIENCE_SECONDS, RetryUntilAccepted
from receipt_sync.sequences import batches

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
_ITEMS_A_REQUEST: Final = 25
_THREADS: Final = 4
_THROTTLES: Final = frozenset(
    {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
)

WriteRequest = dict[str, Any]


class TableWriter:
    """Writes items with BatchWriteItem, and sends unprocessed items again.

    Items replace the table's items of the same key. Raises TableWriteError if the table accepts
    nothing for a minute, and the errors of botocore for any other refusal than a throttle.
    """

    def __init__(
        self, client: "DynamoDBClient", table_name: str, retry: RetryUntilAccepted
    ) -> None:
        self._client, self._table, self._retry = client, table_name, retry

    def put(self, entities: Sequence[Entity]) -> None:
        """Write items. No two items may have the same key."""
        self._write([{"PutRequest": {"Item": item_of(entity)}} for entity in entities])

    def delete(self, keys: Sequence[EntityKey]) -> None:
        """Delete items. A missing item is not an error."""
        self._write(
            [{"DeleteRequest": {"Key": {"PK": {"S": k.pk}, "SK": {"S": k.sk}}}} for k in keys]
        )

    def _write(self, requests: Sequence[WriteRequest]) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            for _ in pool.map(self._write_batch, batches(requests, _ITEMS_A_REQUEST)):
                pass  # The iteration raises what a thread raised.

    def _write_batch(self, requests: Sequence[WriteRequest]) -> None:
        self._retry.until_accepted(requests, self._offer, self._refused)

    def _offer(self, requests: Sequence[WriteRequest]) -> Sequence[WriteRequest]:
        try:
            answer: Any = self._client.batch_write_item(
                RequestItems={self._table: requests}  # type: ignore[dict-item]
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _THROTTLES:
                return requests
            raise
        left: Sequence[WriteRequest] = answer.get("UnprocessedItems", {}).get(self._table, [])
        return left

    def _refused(self, left: int) -> TableWriteError:
        return TableWriteError(
            f"the table {self._table} throttled every try for {PATIENCE_SECONDS:.0f} s, and {left} "
            "items of a request are not written: raise its capacity and run the command again"
        )
