"""A circuit breaker for a Chroma server. While the server is down, no worker waits for its answer.

The circuit breaker is that of Powertools. Each worker counts its failures separately. The state of
the circuit is shared, in an item beside the leases in the table: `LOCK#{lock id}-circuit`, sort key
`chroma-server`. A worker reads the item every five seconds at most. If it can't read the item, it
treats the circuit as closed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitBreakerOpenError,
    CircuitTransition,
    circuit_breaker,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
    CircuitBreakerDynamoDBPersistence,
    CircuitBreakerPersistenceLayer,
)

from receipt_index.server.index import Through
from receipt_sync.errors import IndexUnavailableError
from receipt_sync.telemetry import Telemetry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CIRCUIT: Final = "chroma-server"
_FAILURES: Final = 5
RECOVERY_SECONDS: Final = 30


def shared_state(
    client: "DynamoDBClient", table: str, lock_id: str
) -> CircuitBreakerPersistenceLayer:
    """Return the store of the circuit's state: an item in the table that holds the leases."""
    return CircuitBreakerDynamoDBPersistence(
        table_name=table,
        key_attr="PK",
        static_pk_value=f"LOCK#{lock_id}-circuit",
        sort_key_attr="SK",
        expiry_attr="ttl",
        boto3_client=client,
    )


def breaker(
    state: CircuitBreakerPersistenceLayer,
    telemetry: Telemetry,
    recovery_seconds: int = RECOVERY_SECONDS,
    cache_seconds: int = 5,
) -> Through:
    """Return a function that makes calls through the circuit breaker.

    Five calls in a row that raise IndexUnavailableError open the circuit. While it is open, the
    function raises that error without a call. After `recovery_seconds`, one call that succeeds
    closes the circuit.
    """
    protected = circuit_breaker(
        name=_CIRCUIT,
        persistence_store=state,
        on_transition=lambda transition: _log_transition(telemetry, transition),
        config=CircuitBreakerConfig(
            failure_threshold=_FAILURES,
            recovery_timeout=recovery_seconds,
            success_threshold=1,
            handled_exceptions=IndexUnavailableError,
            local_cache_max_age=cache_seconds,
        ),
    )(_call)

    def through(call: Callable[[], Any]) -> Any:
        try:
            return protected(call)
        except CircuitBreakerOpenError as error:
            raise IndexUnavailableError(
                f"the Chroma server failed {_FAILURES} times in a row: the compactor sends it one "
                f"request every {recovery_seconds} seconds, and the messages go back to the queue"
            ) from error

    return through


def _call(call: Callable[[], Any]) -> Any:
    return call()


def _log_transition(telemetry: Telemetry, transition: CircuitTransition) -> None:
    telemetry.event(
        "circuit changed", before=str(transition.from_state), now=str(transition.to_state)
    )
