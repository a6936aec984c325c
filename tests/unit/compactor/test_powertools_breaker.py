"""Powertools' circuit breaker before a server: it opens, tries once, and closes."""

import time
from dataclasses import replace

import pytest
from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
    CircuitBreakerPersistenceLayer,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence.base import (
    CircuitBreakerExistingLockError,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord

from compactor.powertools_breaker import breaker
from receipt_sync.errors import IndexFailedError, IndexUnavailableError
from tests.support.fakes.telemetry import RecordingTelemetry


class InMemoryState(CircuitBreakerPersistenceLayer):
    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, CircuitStateRecord] = {}

    def _get_record(self, name: str) -> CircuitStateRecord | None:
        return self.records.get(name)

    def _put_record(
        self,
        record: CircuitStateRecord,
        condition: str | None = None,
        expected_opened_at: int | None = None,
    ) -> None:
        present = self.records.get(record.name)
        if condition == "half_open" and (present is None or present.half_open_owner):
            raise CircuitBreakerExistingLockError
        self.records[record.name] = replace(record)

    def _update_record(self, record: CircuitStateRecord) -> None:
        self.records[record.name] = replace(record)


class Server:
    def __init__(self) -> None:
        self.failing: Exception | None = None
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.failing is not None:
            raise self.failing
        return "answer"


def test_five_failures_open_it_and_one_success_after_the_pause_closes_it() -> None:
    telemetry, server = RecordingTelemetry(), Server()
    through = breaker(InMemoryState(), telemetry, recovery_seconds=1, cache_seconds=0)
    assert through(server) == "answer"
    server.failing = IndexUnavailableError("down")
    for _ in range(5):
        with pytest.raises(IndexUnavailableError, match="down"):
            through(server)
    with pytest.raises(IndexUnavailableError, match="one request every 1 seconds"):
        through(server)
    assert server.calls == 6
    time.sleep(1.1)
    with pytest.raises(IndexUnavailableError, match="down"):  # the one try fails
        through(server)
    with pytest.raises(IndexUnavailableError, match="one request every"):
        through(server)
    time.sleep(1.1)
    server.failing = None
    assert through(server) == through(server) == "answer"
    states = [(fields["before"], fields["now"]) for _, fields in telemetry.events]
    assert states == [
        ("CLOSED", "OPEN"),
        ("OPEN", "HALF_OPEN"),
        ("HALF_OPEN", "OPEN"),
        ("OPEN", "HALF_OPEN"),
        ("HALF_OPEN", "CLOSED"),
    ]


def test_a_record_that_chroma_refuses_says_nothing_about_the_server() -> None:
    server, telemetry = Server(), RecordingTelemetry()
    through = breaker(InMemoryState(), telemetry, cache_seconds=0)
    server.failing = IndexFailedError("Chroma's add failed: InvalidArgumentError")
    for _ in range(20):
        with pytest.raises(IndexFailedError):
            through(server)
    assert server.calls == 20
    assert telemetry.events == []


def test_another_worker_leaves_the_server_alone_too() -> None:
    state, server = InMemoryState(), Server()
    through = breaker(state, RecordingTelemetry(), cache_seconds=0)
    server.failing = IndexUnavailableError("down")
    for _ in range(5):
        with pytest.raises(IndexUnavailableError):
            through(server)
    other = breaker(state, RecordingTelemetry(), cache_seconds=0)
    server.failing = None
    with pytest.raises(IndexUnavailableError, match="one request every 30 seconds"):
        other(server)
    assert server.calls == 5
