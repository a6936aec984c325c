"""The possible faults of a call to the environment, and the decision whether one occurs.

A fault is identified by its process and the number of the call in it, so that a replay can leave it
out.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple

from tests.reliability.simulation.environment.scheduler import Process


class Kind(StrEnum):
    """The kinds of faults."""

    CRASH = "crash"
    PAUSE = "pause"
    """The whole process stops, and its clocks continue (SIGSTOP)."""
    FREEZE = "freeze"
    """The whole process stops, and so does its monotonic clock (a frozen micro-VM)."""
    STALL = "stall"
    """Only this call is slow. The heartbeat continues."""
    ERROR = "error"
    """Throttle, 5xx or lost connection, before the effect, or after it with the response lost."""
    PARTIAL = "partial"
    """Unprocessed keys, some refused entries of a batch, or one page of a query."""
    CONFLICT = "conflict"
    """409 for a conditional write."""
    STALE = "stale"
    """An older manifest than the current one, or 304 although a newer one exists."""
    LOST = "lost"
    """A write is carried out and its response is lost, in spite of the SDK's retries."""
    REPEATED = "repeated"
    """The first response of a write is lost. The SDK repeats the write, which meets its own
    effect.
    """
    SILENT = "silent"
    """The index loses a write and reports no error."""


class Side(StrEnum):
    """Whether a fault occurs before or after the effect of the call."""

    BEFORE = "before"
    AFTER = "after"


UNANSWERED: Final = (Kind.LOST, Kind.REPEATED)
ANYWHERE: Final = (Kind.CRASH, Kind.PAUSE, Kind.FREEZE, Kind.STALL, Kind.ERROR)
_DURATIONS: Final = (8.0, 25.0, 70.0, 130.0, 260.0)
_LONGEST_LATENCY: Final = 0.05
_ANSWERED: Final = 3
"""Number of calls of a process after a lost answer for which no answer is lost."""
_FOUR: Final = Struct(">4I")


class Fault(NamedTuple):
    """One fault. `name` identifies it in a replay."""

    name: str
    kind: Kind
    side: Side
    seconds: float


class Injected(NamedTuple):
    """A fault with the place where it occurred."""

    at: float
    process: str
    step: str
    fault: Fault

    def __str__(self) -> str:
        seconds = f" for {self.fault.seconds:.0f} s" if self.fault.kind in _LASTING else ""
        return (
            f"{self.at:9.2f} s  {self.process}: {self.fault.kind}{seconds} {self.fault.side} "
            f"{self.step}   [{self.fault.name}]"
        )


_LASTING: Final = (Kind.PAUSE, Kind.FREEZE, Kind.STALL)


class Target(NamedTuple):
    """A fault at the n-th call of a step, by any process."""

    step: str
    occurrence: int
    kind: Kind
    side: Side
    seconds: float


class StepFault(NamedTuple):
    """A fault for the next compactor that reaches a step."""

    name: str
    step: str
    fault: Fault
    struck: Callable[[], None]


class Outage(NamedTuple):
    """A service that answers only a share of its calls for a while."""

    name: str
    steps: frozenset[str]
    share: float
    partial: bool
    """The service answers the other calls only in part."""


class Call(NamedTuple):
    """The decisions of one call: its latencies, and its fault if any."""

    out: float
    back: float
    fault: Fault | None


@dataclass
class Faults:
    """The faults of one history: at a rate for each kind, and at chosen steps."""

    key: bytes
    rates: dict[Kind, float]
    targets: tuple[Target, ...] = ()
    kept: frozenset[str] | None = None
    """Names of the only faults that may occur. None means all faults."""
    active: bool = True
    step_faults: list[StepFault] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)

    def decide(self, process: Process, step: str, specials: tuple[Kind, ...], now: float) -> Call:
        """Return the latencies and the fault of the process's next call."""
        process.calls += 1
        name = f"{process.name}:{process.calls}"
        fraction = blake2b(name.encode(), digest_size=16, key=self.key).digest()
        out, back, chance, shape = (number / 2**32 for number in _FOUR.unpack(fraction))
        fault = None
        if self.active and process.mortal:
            self.steps[step] += 1
            kinds = (*specials, *ANYWHERE)
            fault = (
                self._at_step(process, step)
                or self._targeted(step)
                or self._out(name, step, specials, shape)
                or self._by_rate(name, kinds, chance, shape)
            )
        if fault is not None and fault.kind is Kind.LOST:
            if process.calls < process.answered_from:
                fault = None  # One of several successive tries gets its answer.
            else:
                process.answered_from = process.calls + _ANSWERED
        if fault is not None and self.kept is not None and fault.name not in self.kept:
            fault = None
        if fault is not None:
            self.injected.append(Injected(now, process.name, step, fault))
        return Call(_LONGEST_LATENCY * out**3, _LONGEST_LATENCY * back**3, fault)

    def _at_step(self, process: Process, step: str) -> Fault | None:
        for step_fault in self.step_faults:
            if step_fault.step == step and process.name.startswith("compactor"):
                self.step_faults.remove(step_fault)
                step_fault.struck()
                return step_fault.fault
        return None

    def _out(self, name: str, step: str, specials: tuple[Kind, ...], shape: float) -> Fault | None:
        for outage in self.outages:
            if step in outage.steps and shape < outage.share:
                partly = outage.partial and Kind.PARTIAL in specials
                return Fault(name, Kind.PARTIAL if partly else Kind.ERROR, Side.BEFORE, 0.0)
        return None

    def _targeted(self, step: str) -> Fault | None:
        for number, target in enumerate(self.targets):
            if target.step == step and target.occurrence == self.steps[step]:
                return Fault(f"t{number}", target.kind, target.side, target.seconds)
        return None

    def _by_rate(
        self, name: str, kinds: tuple[Kind, ...], chance: float, shape: float
    ) -> Fault | None:
        for kind in kinds:
            rate = self.rates.get(kind, 0.0)
            if chance < rate:
                side = Side.BEFORE if shape < 0.5 else Side.AFTER
                seconds = _DURATIONS[int(shape * 1000) % len(_DURATIONS)]
                return Fault(name, kind, side, seconds)
            chance -= rate
        return None
