"""One run in the users' process: it joins the writer, the watcher and the recording."""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ulid import ULID

from loadtest.errors import LoadError, NotBegunError, OptionError
from loadtest.kinds import Kind
from loadtest.latency import Latency
from loadtest.options import Options
from loadtest.report.knee import Sample
from loadtest.watcher.expectations import Expectation, Sighting
from loadtest.watcher.link import WatcherLink
from loadtest.watcher.recording import End, Moment, Recording
from loadtest.writers.actions import Actions
from loadtest.writers.ledger import Ledger
from loadtest.writers.receipts import arrivals
from loadtest.writers.writer import ReceiptWriter
from loadtest.writers.writes import AWSWrites
from receipt_ops.connection import Connection
from receipt_ops.verification.sqs_backlog import queue_backlog
from receipt_sync.clock import Clock

_SAMPLE_SECONDS = 1.0


@dataclass(frozen=True)
class Events:
    """Callbacks of a session, for each write, each sighting and each moment."""

    wrote: Callable[[Kind, float, Exception | None], None]
    sighted: Callable[[Sighting], None]
    moment: Callable[[Moment], None]


class Session:
    """A run from `open` to `finish`.

    `failure` keeps the first error that is not a failed write. The shape sets `rate`. `users`
    returns the present number of users.
    """

    def __init__(
        self,
        options: Options,
        connection: Connection,
        ledger: Ledger,
        clock: Clock,
        events: Events,
        users: Callable[[], int],
    ) -> None:
        self._options, self._connection, self._clock = options, connection, clock
        self._ledger, self._events, self._users = ledger, events, users
        self._recording = Recording(Path(options.out))
        self._writes = AWSWrites(connection)
        self.writer = ReceiptWriter(
            ledger,
            Actions(options.burst),
            self._writes,
            arrivals(options, str(ULID())),
            count(1),
            clock,
            self,
        )
        self.rate = 0.0
        self.failure: Exception | None = None
        self._changes = self._irrelevant = self._failures = self._seen = self._never = 0
        self._began_at = 0.0
        self._link: WatcherLink | None = None
        self._over = threading.Event()

    def open(self) -> None:
        """Check that the base is loaded, and start the watcher and the recording.

        Raises:
            OptionError: The table does not hold the receipts of the start.
            WatcherError: The watcher could not open the snapshots.
            NotBegunError: `finish` was called meanwhile.
        """
        self._check_base()
        if self._over.is_set():
            raise NotBegunError
        self._link = WatcherLink(
            _environment(self._connection), self._options.limit, self._sighted, self.fail
        )
        self._link.open()
        self._began_at = self._clock.now().timestamp()
        threading.Thread(target=self._sample_until_over, daemon=True).start()

    def finish(self, latency: tuple[Latency, ...], held: float | None, reason: str) -> None:
        """Wait until each change is visible or over the limit, and close the recording.

        Call it after the users have stopped. `latency` is Locust's count of their writes.

        Raises:
            WatcherError: The watcher failed.
            NotBegunError: The session is not open yet.
        """
        if not self.is_open:
            self._over.set()
            self._recording.abandon()
            if self._link is not None:
                self._link.stop()
            raise NotBegunError
        ended_at = self._clock.now().timestamp()
        try:
            if self._link is not None:
                self._link.finish()
        finally:
            self._over.set()
            written = (self._changes, self._writes.vectors, latency)
            self._recording.close(End(self._began_at, ended_at, *written, held, reason))

    @property
    def is_open(self) -> bool:
        """Whether users may write."""
        return self._began_at > 0

    def sample(self) -> Sample:
        """Return the counts of this moment. The time counts from the opening."""
        elapsed = self._clock.now().timestamp() - self._began_at if self.is_open else 0.0
        return Sample(elapsed, self._changes, self._outstanding)

    def fail(self, error: Exception) -> None:
        """Keep an error, unless there was one before."""
        self.failure = self.failure or error

    def wrote(self, kind: Kind, changes: int, seconds: float, error: Exception | None) -> None:
        """Count a write. See writer.Listener."""
        if error is not None:
            self._failures += 1
        elif kind is Kind.IRRELEVANT:
            self._irrelevant += 1
        else:
            self._changes += changes
        self._events.wrote(kind, seconds, error)

    def expect(self, expectation: Expectation) -> None:
        """Send an expectation to the watcher. See writer.Listener."""
        if self._link is None:
            raise AssertionError("users write only in an open session")
        try:
            self._link.expect(expectation)
        except LoadError as error:
            self.fail(error)

    @property
    def _outstanding(self) -> int:
        return self._link.outstanding if self._link else 0

    def _sighted(self, sighting: Sighting) -> None:
        self._seen += sighting.changes * (sighting.seen_at is not None)
        self._never += sighting.changes * (sighting.seen_at is None)
        self._recording.sighting(sighting)
        self._events.sighted(sighting)

    def _sample_until_over(self) -> None:
        try:
            while not self._over.wait(_SAMPLE_SECONDS):
                moment = self._moment()
                self._recording.moment(moment)
                self._events.moment(moment)
        except Exception as error:  # noqa: BLE001 an uncaught error ends only this thread
            self.fail(error)

    def _moment(self) -> Moment:
        queue_url = self._connection.names.compaction_queue_url
        waiting, in_flight = queue_backlog(self._connection.sqs, queue_url)
        return Moment(
            at=self._clock.now().timestamp(),
            rate=self.rate,
            users=self._users(),
            changes=self._changes,
            irrelevant=self._irrelevant,
            failures=self._failures,
            vectors=self._writes.vectors,
            seen=self._seen,
            never=self._never,
            outstanding=self._outstanding,
            waiting=waiting,
            in_flight=in_flight,
        )

    def _check_base(self) -> None:
        """Check that the base is loaded, because users edit it without reading it first."""
        key = self._ledger.hot_key
        found = self._connection.dynamodb.get_item(
            TableName=self._connection.names.table,
            Key={"PK": {"S": key.pk}, "SK": {"S": key.sk}},
        )
        if "Item" not in found:
            raise OptionError(
                "the table does not hold the receipts that users edit: start the run with "
                "`make load` or `make load-ui`, which load them"
            )


def _environment(connection: Connection) -> Mapping[str, str]:
    """Return the environment with which another process connects to the same AWS."""
    names = connection.names
    endpoint = {"AWS_ENDPOINT_URL": connection.endpoint} if connection.endpoint else {}
    return {
        **os.environ,
        **endpoint,
        "DYNAMODB_TABLE": names.table,
        "COMPACTION_QUEUE_URL": names.compaction_queue_url,
        "SNAPSHOT_BUCKET": names.bucket,
    }
