"""One round: a worker starts, reaches a moment, and is struck."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final

from tests.reliability.crashes.function import Function
from tests.reliability.crashes.moments import CHOSEN, Moment
from tests.reliability.crashes.worker_processes import Files, Worker, WorkerStarter

_REACHED_WITHIN: Final = 60.0
_TAKEN_OVER_WITHIN: Final = 120.0
"""Seconds. Both waits end early, so that only a busy machine needs all of the time."""
_LONGEST_WAIT: Final = 0.6
"""Longest time in seconds from the begin of a batch to a random strike."""
_FUNCTION_WAIT: Final = (0.5, 2.0)
"""Seconds from the first messages of the deployed function to a strike, within its first
batches.
"""


class Strike(StrEnum):
    """SIGKILL, or SIGSTOP until another worker has published and then SIGCONT."""

    KILL = "killed"
    STOP = "stopped"


@dataclass(frozen=True)
class Plan:
    """The moment and the strike of a round. The worker skips the moment `skipped` times."""

    moment: Moment
    strike: Strike
    skipped: int = 0


@dataclass(frozen=True)
class Outcome:
    """The result of a round.

    - `struck` says whether a signal ended or stopped a live process.
    - `reached` is False if the moment did not come, and the strike fell at random.
    - `torn` says whether some files of a persist were new and others were not.
    - `refused` counts the messages that a woken worker returned.
    - `most_receives` is the largest number of receives of one message.
    """

    plan: Plan
    reached: bool
    struck: bool
    torn: bool = False
    most_receives: int = 0
    refused: int = 0
    taken_over: bool = True


def plans(randomness: Random, function: bool) -> Iterator[Plan]:
    """Yield endless rounds: every moment in turn, in shuffled order, a quarter with a stop."""
    while True:
        moments = [*CHOSEN, Moment.RANDOM, Moment.RANDOM]
        moments += [Moment.FUNCTION] if function else []
        randomness.shuffle(moments)
        for moment in moments:
            stops = moment is not Moment.FUNCTION and randomness.random() < 1 / 4
            strike = Strike.STOP if stops else Strike.KILL
            again = moment is not Moment.ACKNOWLEDGING  # Few batches need a second such call.
            yield Plan(moment, strike, randomness.randrange(2) if again else 0)


class Rounds:
    """Runs the rounds. `wave` changes all records, and `function` is the deployed function."""

    def __init__(
        self,
        starter: WorkerStarter,
        wave: Callable[[], None],
        function: Function | None,
        randomness: Random,
    ) -> None:
        self._starter, self._wave, self._function = starter, wave, function
        self._randomness = randomness

    def run(self, plan: Plan) -> Outcome:
        """Run a round. Raises WorkerEndedError if a worker ends without a strike."""
        if plan.moment is Moment.FUNCTION and self._function is not None:
            struck = self._function.kill(self._randomness.uniform(*_FUNCTION_WAIT))
            return Outcome(plan, reached=struck, struck=struck)
        if plan.moment is Moment.PERSIST:
            self._wave()
        worker = self._start(plan)
        reached, before = self._reach(worker, plan)
        struck = worker.kill() if plan.strike is Strike.KILL else worker.freeze()
        torn = before is not None and self._starter.is_torn(before)
        outcome = Outcome(plan, reached, struck, torn, worker.most_receives)
        return outcome if plan.strike is Strike.KILL else self._take_over(worker, outcome)

    def _start(self, plan: Plan) -> Worker:
        if plan.moment is Moment.RANDOM:
            return self._starter.start()
        # The index of words is the larger one, and the words come second.
        skipped = 1 if plan.moment is Moment.PERSIST else plan.skipped
        return self._starter.start(plan.moment, skipped)

    def _reach(self, worker: Worker, plan: Plan) -> tuple[bool, Files | None]:
        """Return whether the moment came, and for a persist the files before it."""
        if plan.moment is Moment.RANDOM:
            begun = worker.wait_for("begun", _REACHED_WITHIN)
            time.sleep(self._randomness.uniform(0, _LONGEST_WAIT))
            return begun, None
        if not worker.wait_for("reached", _REACHED_WITHIN):
            return False, None
        if plan.moment is not Moment.PERSIST:
            return True, None
        before = self._starter.wait_for_persist(worker, _REACHED_WITHIN)
        return before is not None, before

    def _take_over(self, sleeper: Worker, outcome: Outcome) -> Outcome:
        """Let another worker publish while the first is stopped beyond its lease. Then run both."""
        plan = outcome.plan
        successor = self._starter.start()
        taken_over = successor.wait_for("handled", _TAKEN_OVER_WITHIN)
        sleeper.wake()
        if outcome.reached and plan.moment not in (Moment.RANDOM, Moment.PERSIST):
            sleeper.go_on()
        for worker in (successor, sleeper):
            worker.stop()
        for worker in (successor, sleeper):
            worker.finish(_REACHED_WITHIN)
        most = max(sleeper.most_receives, successor.most_receives)
        return replace(outcome, refused=sleeper.returned, taken_over=taken_over, most_receives=most)
