"""One lane of a campaign: a writer, killed readers, and a comparison after each kill."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from receipt_sync.keys import Collection
from tests.reliability.crashes.readers.decoder import Fresh, Version
from tests.reliability.crashes.readers.follower import Order, Seen, follow
from tests.reliability.crashes.readers.moments import ON_FOLLOWING, ON_STARTING, Moment
from tests.reliability.crashes.readers.nearest import agree, is_found
from tests.reliability.crashes.readers.plain import other_files
from tests.reliability.crashes.readers.published import Published

_CONTEXT: Final = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.reliability.crashes.readers.follower", "chromadb"])
_SIGNALS: Final = (signal.SIGKILL, signal.SIGTERM)
_PATIENCE: Final = 240.0
_MOST_CHANGES: Final = 6
"""Largest number of versions that are published during the wait for a moment."""


class Kind(StrEnum):
    """The kinds of rounds."""

    FOLLOWING = "a reader that follows"
    STARTING = "a reader in its first download"
    TWO = "one of two readers on one folder"


@dataclass
class Counts:
    """The figures of a lane.

    `wrong` counts records that a reader served differently from the published ones. `unfound`
    counts records for which the reader's search and plain Chroma's search in the same graph
    disagree. `graph_misses` counts records that neither search finds by their own vector, which is
    a defect of the search.
    """

    kills: int = 0
    missed: int = 0
    compared: int = 0
    wrong: int = 0
    unfound: int = 0
    graph_misses: int = 0
    broken: list[str] = field(default_factory=list)
    by_moment: dict[str, int] = field(default_factory=dict)
    by_signal: dict[str, int] = field(default_factory=dict)
    by_kind: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Counts") -> None:
        """Add the figures of another lane."""
        for name in ("kills", "missed", "compared", "wrong", "unfound", "graph_misses"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.broken += other.broken
        for name in ("by_moment", "by_signal", "by_kind"):
            mine = getattr(self, name)
            for key, value in getattr(other, name).items():
                mine[key] = mine.get(key, 0) + value


class Follower:
    """A reader process."""

    def __init__(self, order: Order) -> None:
        self._pipe: Connection
        self._pipe, theirs = _CONTEXT.Pipe()
        self.process: Any = _CONTEXT.Process(target=follow, args=(theirs, order), daemon=True)
        self.process.start()
        theirs.close()
        self.broken: list[str] = []
        self._struck = False

    def receive(self, seconds: float, *words: str) -> Any:
        """Return the content of a message with one of the words, or None if none came in time."""
        end = time.monotonic() + seconds
        while self._pipe.poll(max(0.0, end - time.monotonic())):
            try:
                said, *rest = self._pipe.recv()
            except (EOFError, ConnectionResetError):
                if not self._struck:
                    self.broken.append(f"the process ended: exit code {self.process.exitcode}")
                return None
            if said == "broken":
                self.broken.append(rest[0])
            if said in words:
                return rest[0] if rest else said
        return None

    def look(self, vectors: dict[str, Any]) -> Seen | None:
        """Return all that the reader serves once it has reached the current version."""
        with suppress(BrokenPipeError):
            self._pipe.send(vectors)
        seen: Seen | None = self.receive(_PATIENCE, "seen")
        return seen

    def end(self, number: int) -> None:
        """Send a signal, and wait until the process has ended."""
        self._struck = True
        if self.process.is_alive():
            self.process.kill() if number == signal.SIGKILL else self.process.terminate()
        self.process.join(_PATIENCE)
        self.receive(0.0)  # Its last messages.
        self._pipe.close()


class Lane:
    """Rounds on one store. `on_round` is called after each."""

    def __init__(self, folder: Path, seed: int, bug: str | None) -> None:
        self._folder, self._bug = folder, bug
        self._randomness = Random(seed)
        self._published = Published(folder, seed)
        self._root, self._roots = folder / "reader-0", 0
        self.counts = Counts()

    def run(self, kills: int, on_round: Callable[[], None]) -> Counts:
        """Kill `kills` readers."""
        try:
            for number, kind in zip(range(kills), self._kinds()):  # noqa: B905 one is endless
                self._round(kind)
                if number % 10 == 9:
                    self._check_decoder()
                on_round()
        finally:
            self._published.close()
        return self.counts

    def _kinds(self) -> Iterator[Kind]:
        """Yield every kind once, and then random kinds."""
        yield from Kind
        while True:
            yield self._randomness.choice((Kind.FOLLOWING, Kind.FOLLOWING, *Kind))

    def _round(self, kind: Kind) -> None:
        if kind is Kind.STARTING:
            self._roots += 1
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = self._folder / f"reader-{self._roots}"
        other = self._start(Moment.RANDOM, 0) if kind is Kind.TWO else None
        if other is not None:
            other.receive(_PATIENCE, "serving")
        self._strike(kind)
        for _ in range(self._randomness.randrange(3)):
            self._published.change()
        again = self._start(Moment.RANDOM, 0)
        again.receive(_PATIENCE, "serving")
        self._published.touch()
        for follower in (again, other):
            if follower is not None:
                self._compare(follower)
                follower.end(self._randomness.choice((signal.SIGKILL, signal.SIGTERM)))
                self.counts.broken += follower.broken

    def _strike(self, kind: Kind) -> None:
        """Kill a reader at a moment while versions are published."""
        moments = ON_STARTING if kind is Kind.STARTING else ON_FOLLOWING
        moment, number = self._randomness.choice(moments), self._randomness.choice(_SIGNALS)
        victim = self._start(moment, self._randomness.choice((0, 0, 1, 2)))
        at_once = kind is Kind.STARTING and moment is Moment.RANDOM
        first = None if at_once else victim.receive(_PATIENCE, "serving", "moment")
        reached = first == "moment" or self._wait_for(victim, moment)
        victim.end(number)
        self.counts.broken += victim.broken
        struck = moment if reached else Moment.RANDOM
        self.counts.kills += 1
        self.counts.missed += not reached
        for counts, key in (
            (self.counts.by_moment, struck.value),
            (self.counts.by_signal, signal.Signals(number).name),
            (self.counts.by_kind, kind.value),
        ):
            counts[key] = counts.get(key, 0) + 1

    def _wait_for(self, victim: Follower, moment: Moment) -> bool:
        if moment is Moment.RANDOM:
            self._published.change()
            time.sleep(self._randomness.uniform(0.0, 0.4))
            return True
        for _ in range(_MOST_CHANGES):
            self._published.change()
            if victim.receive(_PATIENCE, "serving", "moment", "broken") == "moment":
                return True
        return victim.receive(1.0, "moment") is not None

    def _start(self, moment: Moment, skipped: int) -> Follower:
        return Follower(Order(self._published.store, self._root, moment, skipped, self._bug))

    def _compare(self, follower: Follower) -> None:
        """Check that every record is as published, and that searches agree with plain Chroma."""
        truth = self._published.records
        seen = follower.look({i: record.vector for i, record in truth.items()})
        if seen is None:
            self.counts.broken.append("a reader that was started again serves nothing")
            return
        if seen.version != self._published.version:
            self.counts.broken.append(f"version {seen.version} of {self._published.version}")
        self.counts.compared += len(truth)
        self.counts.wrong += len(wrong_records(truth, seen))
        self.counts.broken += [f"{name} is not as published" for name in self._other_files(seen)]
        missed = seen.missed
        unfound = sum(
            is_found(i, seen.plain[i]) or not agree(missed[i], seen.plain[i]) for i in missed
        )
        self.counts.unfound += unfound
        self.counts.graph_misses += len(missed) - unfound

    def _other_files(self, seen: Seen) -> list[str]:
        """Return the graph files that differ from the published ones, after a missed record."""
        return other_files(Version.below(self._published.store), seen.folder) if seen.missed else []

    def _check_decoder(self) -> None:
        """Check the oracle itself: the records that it reads are those that the writer wrote."""
        with self._fresh() as fresh:
            held = fresh.records()
        truth = self._published.records
        if held.keys() != truth.keys() or any(
            not same_direction(held[i][0], truth[i].vector) for i in truth
        ):
            self.counts.broken.append("the published bytes are not what the writer wrote")

    @contextmanager
    def _fresh(self) -> Iterator[Fresh]:
        with TemporaryDirectory(dir=self._folder) as folder:
            version = Version.below(self._published.store)
            fresh = Fresh(version, Path(folder), Collection.LINES.value)
            try:
                yield fresh
            finally:
                fresh.close()


def wrong_records(truth: dict[str, Any], seen: Seen) -> set[str]:
    """Return the ids that are missing, unexpected, or have another vector, metadata or document."""
    wrong = set(truth.keys() ^ seen.records.keys())
    for chroma_id in truth.keys() & seen.records.keys():
        expected, (metadata, document) = truth[chroma_id], seen.records[chroma_id]
        is_same = (metadata, document) == (expected.metadata, expected.document)
        if not is_same or not same_direction(seen.vectors[chroma_id], expected.vector):
            wrong.add(chroma_id)
    return wrong


def same_direction(one: Any, other: Any) -> bool:
    """Return whether two vectors have the same direction. Chroma normalises indexed vectors."""
    a, b = (np.asarray(v, np.float64) / np.linalg.norm(v) for v in (one, other))
    return bool(np.allclose(a, b, atol=1e-5))
