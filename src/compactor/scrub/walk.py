"""The first look: the cursors move on by a slice, and what differs becomes a suspect."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from compactor.scrub.delta_pass import pass_deltas
from compactor.scrub.findings import Slice
from compactor.scrub.index_pass import pass_index
from compactor.scrub.ports import World
from compactor.scrub.rounds import room, with_findings
from compactor.scrub.table_pass import pass_table
from receipt_index.snapshot.format.scrub_state import Phase, ScrubState

_PASSES: Final[Mapping[Phase, Callable[[World, ScrubState, int], Slice]]] = {
    Phase.TABLE: pass_table,
    Phase.INDEX: pass_index,
    Phase.DELTAS: pass_deltas,
}


class Walk(NamedTuple):
    """The state behind a slice, the records that were compared, and the steps."""

    state: ScrubState
    checked: int
    steps: int


def walk_on(world: World, state: ScrubState, steps: int, now: datetime) -> Walk:
    """Move the cursors by about so many steps, one after another, to the end of the round.

    They do not move while the list of suspects is full. A slice that finds more than the list has
    room for is halved. Raises TableReadError, IndexFailedError.
    """
    checked = walked = 0
    most = steps
    while walked < steps and state.phase is not Phase.OVER and room(state) > 0:
        one = _PASSES[state.phase](world, state, min(most, steps - walked))
        after = with_findings(state, one, now)
        if after is None:
            most = max(1, min(most, one.steps) // 2)
            continue
        walked += max(1, one.steps)
        checked += one.checked
        state = _counted(after, one)
    return Walk(state, checked, walked)


def _counted(state: ScrubState, one: Slice) -> ScrubState:
    present = state.present
    update = {"checked": present.checked + one.checked, "steps": present.steps + one.steps}
    return state.model_copy(update={"present": present.model_copy(update=update)})
