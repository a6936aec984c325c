"""One trial: an answer is lost, and the whole state is compared with the expected one."""

import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

from local.clients import Clients
from receipt_sync.keys import Collection
from tests.reliability.lost_answers.injector import Injector, Loss, Mode, Record
from tests.reliability.lost_answers.judging import leases_left, letters_wrong, wrong
from tests.reliability.lost_answers.scenarios import Scenario
from tests.reliability.lost_answers.system import Done, System, system

BOUND_SECONDS: Final = 40.0
"""An invocation that takes longer has waited for something.

On an idle machine it takes about a second, and a wait for the lease takes 100 s. The bound lies
between the two, so that a busy machine does not exceed it.
"""
UNDECIDED: Final = ("block", "pack", "list", "dead letters")
"""The calls whose caller cannot know the effect if every answer is lost.

It stores an object again under the same name, or it sends a letter to a queue whose content it
cannot read. The messages may come again.
"""

Versions = dict[str, int]
"""The published version of each collection."""


@dataclass
class Trial:
    """A loss and its outcome. `wrong` is empty if the system survived the loss."""

    scenario: str
    call: str
    number: int
    mode: str
    lost: int = 0
    """Number of requests that were performed and not answered."""
    repeated: int = 0
    """Number of repetitions by the SDK, which met the effect of the call."""
    seconds: float = 0.0
    outcome: str = ""
    wrong: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Undisturbed:
    """A scenario without a loss: its calls, the versions after it, and its faults."""

    record: Record
    versions: Versions
    wrong: list[str]


def undisturbed(scenario: Scenario, clients: Clients, folder: Path) -> Undisturbed:
    """Run a scenario without a loss."""
    with scenario.around(), system(clients, folder, scenario.variables()) as made:
        scenario.start(made)
        injector = Injector()
        done = _acted(scenario, made, injector)
        faults = [*done.returned, *([done.error] if done.error else [])]
        faults += _judged(scenario, made)
        return Undisturbed(injector.record, _versions(made), faults)


def tried(scenario: Scenario, loss: Loss, clients: Clients, folder: Path, usual: Versions) -> Trial:
    """Run a scenario with a lost answer, and judge the outcome."""
    trial = Trial(scenario.name, str(loss.call), loss.number, loss.mode.value)
    with scenario.around(), system(clients, folder, scenario.variables()) as made:
        scenario.start(made)
        injector, begun = Injector(loss), monotonic()
        done = _acted(scenario, made, injector)
        trial.seconds = round(monotonic() - begun, 2)
        trial.lost, trial.repeated = injector.record.lost, injector.record.repeated[loss.call]
        trial.outcome = _outcome(done)
        trial.wrong += _at_once(trial, loss, done)
        if done.returned or done.error:
            trial.wrong += _at_second_try(scenario, made)
        trial.wrong += _judged(scenario, made, parked_twice="dead letters" in loss.call.about)
        if loss.mode is Mode.ONCE and (versions := _versions(made)) != usual:
            trial.wrong.append(f"the versions are {versions}, and {usual} without a loss")
    return trial


def _acted(scenario: Scenario, made: System, injector: Injector) -> Done:
    """Let the scenario act. Disturb the calls of the product, and not those of the trial."""
    made.watch = injector.listening
    try:
        return scenario.act(made)
    finally:
        made.watch = nullcontext


def _at_once(trial: Trial, loss: Loss, done: Done) -> list[str]:
    """Return the faults of the disturbed invocation."""
    found = [] if trial.lost else ["the call was not made, so that no answer was lost"]
    if trial.seconds > BOUND_SECONDS:
        found.append(f"it took {trial.seconds} s, at most {BOUND_SECONDS} are allowed")
    may_come_again = loss.mode is Mode.ALWAYS and (
        not loss.call.is_write or any(kind in loss.call.about for kind in UNDECIDED)
    )
    if done.returned and not may_come_again:
        found.append(f"{len(done.returned)} returned: {done.returned[0]}")
    if done.error and not (loss.mode is Mode.ALWAYS and loss.call.about == "compaction queue"):
        found.append(f"the invocation ended with {done.error}")
    return found


def _at_second_try(scenario: Scenario, made: System) -> list[str]:
    """Return the faults of an undisturbed invocation with the returned messages."""
    begun = monotonic()
    done = scenario.again(made)
    seconds = monotonic() - begun
    found = [f"returned at the second try, too: {each}" for each in done.returned]
    if done.error:
        found.append(f"the second try ended with {done.error}")
    if seconds > BOUND_SECONDS:
        found.append(f"the second try took {seconds:.1f} s")
    return found


def _judged(scenario: Scenario, made: System, *, parked_twice: bool = False) -> list[str]:
    """Return the faults of the final state."""
    found = leases_left(made)
    if scenario.compacts_afterwards:
        found += made.compact().returned
    if waiting := made.waiting():
        found.append(f"{waiting} messages are left in the queue")
    found += letters_wrong(made, parked_twice=parked_twice)
    with scenario.readers(made) as readers:
        return found + wrong(made, readers)


def _outcome(done: Done) -> str:
    if done.error:
        return f"ended with {done.error}"
    return f"came again: {len(done.returned)}" if done.returned else "nothing came again"


def _versions(made: System) -> Versions:
    found = {}
    for collection in Collection:
        key = f"snapshots/{collection}/manifest.json"
        got = made.clients.s3.get_object(Bucket=made.stack.names.bucket, Key=key)
        found[collection.value] = int(json.loads(got["Body"].read())["version"])
    return found
