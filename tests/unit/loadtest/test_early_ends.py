"""Signals before a run has begun, and further ones while it ends."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loadtest.errors import NotBegunError
from loadtest.interrupts import NOTE, Interrupts
from loadtest.options import Options
from loadtest.run import Run
from loadtest.watcher import link as link_module
from loadtest.watcher.link import PROJECT, WatcherLink
from loadtest.watcher.recording import has_ended
from loadtest.writers.ledger import Ledger
from loadtest.writers.session import Events, Session
from receipt_ops.connection import Connection, Names
from tests.support.fakes.clock import ManualClock
from tests.unit.loadtest.memory_system import receipt
from tests.unit.loadtest.recorded import LATENCY

NOTHING: Any = lambda *_: None  # noqa: E731
EVENTS = Events(NOTHING, NOTHING, NOTHING)


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Iterator[WatcherLink]:
    """A watcher that never becomes ready."""
    popen = subprocess.Popen

    def slow(_: Any, **options: Any) -> Any:
        return popen([sys.executable, "-c", "import time; time.sleep(60)"], **options)

    monkeypatch.setattr(
        link_module, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": slow})
    )
    made = WatcherLink(dict(os.environ), 1.0, NOTHING, NOTHING)
    yield made
    made.stop()


def session_of(folder: Path) -> Session:
    options = Options(out=str(folder), receipts="")
    client: Any = SimpleNamespace(get_item=lambda **_: {"Item": {}})
    connection = Connection(Names("t", "q", "b"), client, client, client)
    ledger = Ledger([receipt("0001")])
    return Session(options, connection, ledger, ManualClock(), EVENTS, lambda: 0)


def test_a_run_that_is_stopped_before_it_begins_has_no_end_and_no_traceback(
    tmp_path: Path, link: WatcherLink
) -> None:
    """It was a RuntimeError, and a report about 1,796,012,956 seconds of writing."""
    session, run = session_of(tmp_path), Run(ManualClock(), EVENTS, lambda: 0)
    session._link = link
    run.session = session
    run.finish(LATENCY)
    assert isinstance(run.failure, NotBegunError)
    assert not has_ended(tmp_path)


def test_a_session_that_is_stopped_while_it_opens_starts_no_watcher(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    with pytest.raises(NotBegunError):
        session.finish(LATENCY, None, "")
    with pytest.raises(NotBegunError):
        session.open()
    assert not session.is_open


def test_a_watcher_that_is_stopped_before_it_is_ready_is_not_called_broken(
    link: WatcherLink,
) -> None:
    found: list[Exception] = []

    def opened() -> None:
        try:
            link.open()
        except NotBegunError as error:
            found.append(error)

    thread = threading.Thread(target=opened)
    thread.start()
    link.stop()
    thread.join(10)
    assert len(found) == 1


_WATCHER = """
from loadtest.watcher import watching
while True:
    watching._print("a sighting\\n")
"""


def test_a_watcher_whose_users_have_ended_ends_without_a_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WATCHER],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as watcher:
        assert watcher.stdout is not None
        assert watcher.stderr is not None
        watcher.stdout.readline()
        watcher.stdout.close()
        assert watcher.stderr.read() == b""
        assert watcher.wait(30) == 1


@pytest.fixture
def note() -> Iterator[tuple[int, int]]:
    before = signal.getsignal(signal.SIGINT)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    signal.signal(signal.SIGINT, before)
    os.close(reader)
    os.close(writer)


def test_ctrl_c_while_a_run_ends_is_a_note_and_no_keyboard_interrupt(
    note: tuple[int, int],
) -> None:
    reader, writer = note
    interrupts = Interrupts(writer)
    interrupts.release()
    interrupts.hold()
    interrupts.hold()
    os.kill(os.getpid(), signal.SIGINT)
    assert os.read(reader, 1_000).decode() == NOTE
    interrupts.release()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_after_the_end_of_locust_began_ctrl_c_stays_a_note(note: tuple[int, int]) -> None:
    reader, writer = note
    interrupts = Interrupts(writer)
    interrupts.hold(for_good=True)
    interrupts.release()
    os.kill(os.getpid(), signal.SIGINT)
    assert os.read(reader, 1_000).decode() == NOTE
