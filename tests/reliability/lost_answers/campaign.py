"""Loses the answer of every call of every scenario, each once and always."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

from local.clients import Clients
from local.running import running
from receipt_sync.keys import Collection
from tests.functional.chroma_server import ChromaServer
from tests.reliability.lost_answers.injector import Loss, Mode
from tests.reliability.lost_answers.scenarios import (
    ColdReading,
    Drain,
    FirstVersion,
    NewBase,
    NextVersion,
    Reading,
    Scenario,
    Server,
    StreamProcessing,
)
from tests.reliability.lost_answers.trial import Trial, Undisturbed, tried, undisturbed

NAMES: Final = tuple(
    scenario.name
    for scenario in (
        FirstVersion, NewBase, Drain, NextVersion, Server, StreamProcessing, ColdReading, Reading,
    )
)  # fmt: skip

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the scenario, the number of its calls done, and their total."""


@dataclass
class Report:
    """All trials, and the faults without a loss."""

    trials: list[Trial] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Faults without a loss, and scenarios without a call to disturb."""
    seconds: float = 0.0

    @property
    def failed(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.wrong]

    @property
    def held(self) -> bool:
        return bool(self.trials) and not self.failed and not self.broken

    def to_json(self) -> dict[str, Any]:
        trials = [trial.to_json() for trial in self.trials]
        return {"trials": trials, "broken": self.broken, "seconds": self.seconds, "held": self.held}


def run(names: Sequence[str], *, quick: bool, on_progress: OnProgress) -> Report:
    """Run the scenarios of these names on a local AWS of their own.

    The quick form loses the answer of each kind of call once, for one collection, in the first
    scenario that makes the call. It loses the first answer and every answer in turn.
    """
    begun, report = monotonic(), Report()
    with TemporaryDirectory(prefix="lost-answers-") as name:
        folder = Path(name)
        with running(folder / "aws", deploy=False) as stack, _scenarios(folder, names) as scenarios:
            _run(
                report,
                scenarios,
                stack.clients(),
                folder / "work",
                quick=quick,
                on_progress=on_progress,
            )
    report.seconds = round(monotonic() - begun, 1)
    return report


def losses(found: Undisturbed, scenario: Scenario) -> Iterator[Loss]:
    """Yield two losses for every call that the scenario tries: the first answer, and every answer.

    The number of heartbeats depends on the time, so only the first one is tried.
    """
    for call, number in found.record.calls:
        is_beat = call.operation == "UpdateItem"
        if scenario.tries(call) and not (is_beat and number > 1):
            yield from (Loss(call, number, mode) for mode in Mode)


def some_of(losses: Sequence[Loss], seen: set[str]) -> Iterator[Loss]:
    """Yield one loss for each kind of call that is not among the seen, and add it to them."""
    for loss in losses:
        kind = str(loss.call)
        for collection in Collection:
            kind = kind.replace(str(collection), "a collection").replace(
                f"lease of {collection.value.removeprefix('receipt_')}", "lease of a collection"
            )
        if kind not in seen and loss.mode is list(Mode)[len(seen) % 2]:
            seen.add(kind)
            yield loss


def _run(
    report: Report,
    scenarios: Sequence[Scenario],
    clients: Clients,
    folder: Path,
    *,
    quick: bool,
    on_progress: OnProgress,
) -> None:
    seen: set[str] = set()
    for scenario in scenarios:
        on_progress(scenario.name, 0, 0)
        found = undisturbed(scenario, clients, folder)
        report.broken += [f"{scenario.name}, without a loss: {each}" for each in found.wrong]
        wanted = list(losses(found, scenario))
        if not wanted:
            report.broken.append(f"{scenario.name} makes no call whose answer could be lost")
        if quick:
            wanted = list(some_of(wanted, seen))
        for number, loss in enumerate(wanted, start=1):
            report.trials.append(tried(scenario, loss, clients, folder, found.versions))
            on_progress(scenario.name, number, len(wanted))


@contextmanager
def _scenarios(folder: Path, names: Sequence[str]) -> Iterator[list[Scenario]]:
    """Make the scenarios. Start a Chroma server if one of them needs it."""
    plain = [FirstVersion(), NewBase(), Drain(), NextVersion()]
    others = [StreamProcessing(), ColdReading(), Reading()]
    if Server.name not in names:
        yield [scenario for scenario in (*plain, *others) if scenario.name in names]
        return
    place = folder / "chroma"
    place.mkdir()
    server = ChromaServer(place)
    server.start()
    try:
        made = [*plain, Server(server), *others]
        yield [scenario for scenario in made if scenario.name in names]
    finally:
        server.stop()
