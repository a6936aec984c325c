"""The state that users, shape and Locust's events share. One process may make several runs."""

import os
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from loadtest.errors import LoadError
from loadtest.kinds import Mix
from loadtest.latency import Latency
from loadtest.options import Options, Shape
from loadtest.report.knee import Knee
from loadtest.target import check_target
from loadtest.writers.ledger import Ledger
from loadtest.writers.receipts import base_receipts
from loadtest.writers.session import Events, Session
from loadtest.writers.shapes import rate_at
from receipt_ops.connection import Connection, connect
from receipt_ops.environment import LOCAL_STATE
from receipt_ops.pacing import Pacing, at_random
from receipt_sync.clock import Clock
from receipt_sync.errors import SyncError


class Run:
    """The present run. `users` returns the present number of users."""

    def __init__(self, clock: Clock, events: Events, users: Callable[[], int]) -> None:
        self._clock, self._events, self._users = clock, events, users
        self._connection: Connection | None = None
        self._ledger: Ledger | None = None
        self._knee: Knee | None = None
        self.reset({})

    def reset(self, values: Mapping[str, Any]) -> None:
        """Prepare a run with these options, and clear the state of the last run."""
        self.failure: Exception | None = None
        self.session: Session | None = None
        self.options = Options()
        try:
            self.options = Options.of({**vars(self.options), **values})
        except LoadError as error:
            self.failure = error
        self.mix = Mix.parse(self.options.mix)
        self.numbers = count(1)
        self._knee = Knee(self.options.rate) if self.options.load_shape is Shape.KNEE else None
        self.pacing = self._new_pacing()

    def start(self) -> None:
        """Open a session. Keep an error in `failure`."""
        if self.failure is None:
            try:
                self.session = self._session()
                self.session.open()
                self.pacing = self._new_pacing()  # because opening took some seconds
            except SyncError as error:
                self.failure = error

    def finish(self, latency: tuple[Latency, ...]) -> None:
        """Wait for the outstanding changes and close the session. Keep an error in `failure`.

        `latency` is Locust's count of all writes.
        """
        if self.session is None:
            return
        found = self._knee.verdict if self._knee else None
        try:
            held, reason = (found.held, found.reason) if found else (None, "")
            self.session.finish(latency, held, reason)
        except SyncError as error:
            self.failure = self.failure or error
        self.failure = self.failure or self.session.failure

    def next_rate(self) -> float | None:
        """Return the rate from now on, in changes a second. None: the run is over."""
        session = self.session
        if self.failure or (session and session.failure):
            return None
        sample = session.sample() if session else None
        elapsed = sample.at if sample else 0.0
        rate = self._rate(elapsed)
        if sample is not None and sample.at and self._knee is not None and rate is not None:
            rate = self._knee.next_rate(sample)
        if session is not None:
            session.rate = rate or 0.0
        return rate

    def _new_pacing(self) -> Pacing:
        return Pacing(at_random(self._asked, Random(self.options.seed)), self._clock.monotonic())

    def _asked(self) -> float:
        """Return the rate that is asked of all users together at this moment."""
        return (self.session.rate if self.session else 0.0) or self.options.rate

    def _rate(self, elapsed: float) -> float | None:
        options = self.options
        if self._knee is None:
            return rate_at(options.load_shape, options.rate, options.duration, elapsed)
        return self._knee.rate if elapsed < options.duration else None

    def _session(self) -> Session:
        if self._connection is None:
            self._connection = connect(os.environ, Path.cwd() / LOCAL_STATE)
        check_target(self._connection, self.options.aws_table)
        if self._ledger is None:
            self._ledger = Ledger(base_receipts(self.options))
        return Session(
            self.options, self._connection, self._ledger, self._clock, self._events, self._users
        )
