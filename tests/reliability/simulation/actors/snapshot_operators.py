"""The actions of operators on a snapshot: garbage collection and restore."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from receipt_index.snapshot.restore import RestorePlan, check, publish
from receipt_index.snapshot.store.orphan_gc import delete_orphans
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_ops.snapshots.finding import NothingKeptError, find_version
from receipt_ops.snapshots.garbage import GarbageUnknownError, garbage, stored_objects
from receipt_ops.snapshots.history import ManifestHistory
from receipt_sync.errors import (
    ObjectsNotDeletedError,
    PublishRefusedError,
    SnapshotDamagedError,
)
from receipt_sync.keys import Collection
from tests.reliability.simulation.checks.publishes import RESTORER
from tests.reliability.simulation.environment.scheduler import Signal
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.environment.threads import Clock
from tests.reliability.simulation.faults.faults import Fault, Kind, Side, StepFault

_EXPECTED: Final = (
    ClientError,
    BotoCoreError,
    ObjectsNotDeletedError,
    PublishRefusedError,
    SnapshotDamagedError,
    GarbageUnknownError,
    NothingKeptError,
)
"""Errors that the operator sees. The next command tries again."""


class SnapshotOperators:
    """Performs the snapshot commands of operators."""

    def __init__(self, system: SimulatedSystem) -> None:
        self._system = system
        self._commands = 0

    def collect_garbage(
        self, name: str, collection: Collection, grace: float, strike: Kind, seconds: float
    ) -> None:
        """Run `receipt-sync snapshot gc` after a fault hit a worker between upload and publish."""
        system, struck = self._system, Signal()
        fault = Fault(name, strike, Side.BEFORE, seconds)
        wake = partial(system.scheduler.give, struck)
        system.faults.step_faults.append(StepFault(name, "manifest.swap", fault, wake))
        system.scheduler.wait(struck, timeout=60.0)
        system.scheduler.sleep(1.0)
        self._run(lambda: self._collect_garbage(collection, timedelta(seconds=grace)))

    def restore(self, collection: Collection, back: int) -> None:
        """Run `receipt-sync snapshot restore`. A repair follows at the end of the history."""
        self._system.observer.publishes.was_restored = True
        self._run(lambda: self._restore(collection, back))

    def _run(self, command: Callable[[], None]) -> None:
        """Run a command in its own process, which faults may hit."""
        self._commands += 1
        process = self._system.start(f"operator-{self._commands}")

        def run_command() -> None:
            try:
                command()
            except _EXPECTED:
                return

        task = self._system.scheduler.spawn(process, run_command)
        self._system.scheduler.wait(task.ended)

    def _collect_garbage(self, collection: Collection, grace: timedelta) -> None:
        objects = list(stored_objects(self._client, "bucket", collection))
        history = self._history(collection)
        newest = next(iter(history), None)
        if newest is None or newest.manifest is None:
            return  # The garbage is unknown.
        clock, store = Clock(self._system.scheduler), self._store(collection)
        found = garbage(objects, newest.manifest, history, RetiredLists(store), clock.now(), grace)
        delete_orphans(store, collection, [one.name for one in found], clock, "operator")

    def _restore(self, collection: Collection, back: int) -> None:
        system, store = self._system, self._store(collection)
        manifests = [kept.manifest for kept in self._history(collection) if kept.manifest]
        there = {one.name for one in stored_objects(self._client, "bucket", collection)}
        # Version 0 marks the start of a first publish. The command accepts versions from 1.
        choices = [one.version for one in manifests if one.version > 0 and one.objects <= there]
        if not choices:
            return
        version = choices[min(back, len(choices) - 1)]
        system.observer.publishes.chosen[collection] = version
        plan = RestorePlan(*find_version(self._history(collection), version))
        check(store, plan, system.claim(f"restore-{self._commands}"))
        publish(store, plan, Clock(system.scheduler), RESTORER)

    @property
    def _client(self) -> Any:
        return self._system.client("s3")

    def _store(self, collection: Collection) -> S3SnapshotStore:
        return S3SnapshotStore(self._client, "bucket", collection)

    def _history(self, collection: Collection) -> ManifestHistory:
        return ManifestHistory(self._client, "bucket", collection)
