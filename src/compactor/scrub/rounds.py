"""The state of the scrub after each look, and after each repair."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from compactor.scrub.findings import Finding, Slice
from receipt_index.snapshot.format.scrub_state import (
    MAX_ID,
    MAX_SUSPECTS,
    Phase,
    ScrubState,
    Suspect,
    Tally,
)

_AFTER_DELTAS: Final = (Phase.TABLE, Phase.OVER)


def begun(now: datetime) -> ScrubState:
    """Return the state at the beginning of the first round."""
    return ScrubState(at=now, present=Tally(begun=now))


def room(state: ScrubState) -> int:
    """Return how many suspects can be added."""
    return MAX_SUSPECTS - len(state.suspects)


def with_findings(before: ScrubState, one: Slice, now: datetime) -> ScrubState | None:
    """Return the state behind a slice, with its findings as suspects; None without room for all."""
    suspects = {suspect.id: suspect for suspect in before.suspects}
    for finding in one.findings:
        known = suspects.get(finding.id)
        if known is not None:
            suspects[finding.id] = _with_newer_delta(known, finding)
        elif len(finding.id) <= MAX_ID:
            suspects[finding.id] = Suspect(
                id=finding.id, since=now, held=finding.held, delta=finding.delta
            )
    if len(suspects) > MAX_SUSPECTS:
        return None
    return one.state.model_copy(update={"suspects": tuple(suspects.values())})


def is_ready(suspect: Suspect, state: ScrubState, now: datetime, patience: float) -> bool:
    """Return whether it is time for the second look at a suspect.

    A missing record waits for its newest delta until all deltas were passed. If the list is full,
    it does not wait, because the cursors could not move.
    """
    if (now - suspect.since).total_seconds() < patience:
        return False
    return bool(suspect.held) or state.phase in _AFTER_DELTAS or room(state) <= 0


def settled(
    state: ScrubState,
    dropped: Collection[str],
    changed: Iterable[Suspect],
    counts: tuple[int, int],
    now: datetime,
) -> ScrubState:
    """Return the state after a look: without the suspects that are dropped, and with the counts.

    `counts` are the differences that were found and those that were repaired. A round is complete
    once all cursors are at their end and no suspect waits to be counted.
    """
    new = {suspect.id: suspect for suspect in changed}
    suspects = tuple(new.get(s.id, s) for s in state.suspects if s.id not in dropped)
    found, repaired = counts
    present = state.present.model_copy(
        update={
            "differences": state.present.differences + found,
            "repaired": state.present.repaired + repaired,
        }
    )
    state = state.model_copy(update={"suspects": suspects, "present": present, "at": now})
    if state.phase is not Phase.OVER or not all(suspect.counted for suspect in suspects):
        return state
    last = present.model_copy(update={"completed": now})
    return state.model_copy(
        update={"phase": Phase.INDEX, "last": last, "present": Tally(begun=now)}
    )


def proof_age(state: ScrubState, now: datetime) -> float:
    """Return the seconds since the last completed round, or since the first one began."""
    proof = state.present.begun if state.last is None else state.last.completed or state.last.begun
    return max(0.0, (now - proof).total_seconds())


def accuracy(state: ScrubState) -> float | None:
    """Return the percentage of records that had no difference in the last round."""
    return None if state.last is None else state.last.accuracy


def _with_newer_delta(known: Suspect, finding: Finding) -> Suspect:
    if finding.delta is None or finding.delta <= (known.delta or ""):
        return known
    return known.model_copy(update={"delta": finding.delta})
