"""The watcher's process on an AWS that never publishes a snapshot."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil
import pytest

from loadtest.errors import WatcherError
from loadtest.kinds import Kind
from loadtest.watcher.expectations import Expectation, Sighting, Wanted
from loadtest.watcher.link import WatcherLink
from local.running import running
from receipt_sync.keys import EntityKey

LIMIT = 2.0


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with running(tmp_path_factory.mktemp("aws"), deploy=False) as stack:
        yield {**os.environ, **stack.variables}


@dataclass
class Observed:
    sightings: list[Sighting] = field(default_factory=list)
    deaths: list[WatcherError] = field(default_factory=list)

    def link(self, environment: dict[str, str]) -> WatcherLink:
        return WatcherLink(environment, LIMIT, self.sightings.append, self.deaths.append)


def expectation() -> Expectation:
    wanted = (Wanted((EntityKey("image", 1, 1).chroma_id,), {"text": "NEW"}),)
    return Expectation(1, Kind.LINE, 1, time.time(), wanted)


def test_a_change_that_never_comes_is_reported_after_the_limit(environment: dict[str, str]) -> None:
    observed = Observed()
    link = observed.link(environment)
    link.open()
    begun = time.monotonic()
    link.expect(expectation())
    assert link.outstanding == 1
    link.finish()
    assert LIMIT <= time.monotonic() - begun < LIMIT + 8
    assert [(s.action, s.seen_at) for s in observed.sightings] == [(1, None)]
    assert link.outstanding == 0
    assert observed.deaths == []


def test_a_watcher_that_dies_is_noticed(environment: dict[str, str]) -> None:
    observed = Observed()
    link = observed.link(environment)
    link.open()
    (process,) = [
        child
        for child in psutil.Process().children()
        if "loadtest.watcher.watching" in child.cmdline()
    ]
    process.kill()
    with pytest.raises(WatcherError, match="ended too early"):
        link.finish()


def test_a_watcher_that_cannot_open_the_snapshots_says_so(environment: dict[str, str]) -> None:
    with pytest.raises(WatcherError, match="could not open"):
        Observed().link(environment | {"SNAPSHOT_BUCKET": "no-such-bucket"}).open()
