"""Planted bugs of the scrub."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import compactor.scrub.rounds
import compactor.scrub.walk
from compactor.cycle.cycle import Cycle
from compactor.scrub.index_pass import pass_index
from compactor.scrub.scrubbing import Scrubbing
from receipt_index.snapshot.copies.working_copy import WorkingCopy
from receipt_index.snapshot.format.scrub_state import Phase


def scrub_that_skips_a_slice() -> AbstractContextManager[Any]:
    """Move the cursor over the index behind one more record than was looked at."""

    def skipping(world: Any, state: Any, most: int) -> Any:
        one = pass_index(world, state, most)
        ids = world.index.ids_after(one.state.index or "", 1)
        if one.state.phase is not Phase.INDEX or not ids:
            return one
        return one._replace(state=one.state.model_copy(update={"index": ids[0]}))

    return patch.dict(compactor.scrub.walk._PASSES, {Phase.INDEX: skipping})


@contextmanager
def cursor_that_moves_before_the_publish() -> Iterator[None]:
    """Continue in a warm process from the state that was to be published."""
    published, keep = WorkingCopy.scrub_state, WorkingCopy.keep_scrub_state

    def kept(self: Any) -> Any:
        return vars(self).get("kept_early") or published.fget(self)  # type: ignore[attr-defined]

    def keep_early(self: Any, state: Any) -> None:
        self.kept_early = state
        keep(self, state)

    with (
        patch.object(WorkingCopy, "scrub_state", property(kept)),
        patch.object(WorkingCopy, "keep_scrub_state", keep_early),
    ):
        yield


@contextmanager
def repair_that_ignores_the_delete_guard() -> Iterator[None]:
    """Delete all that the scrub did not expect."""
    conclude = Scrubbing.conclude

    def unguarded(self: Any, plan: Any, asked: Any, _: Any) -> None:
        conclude(self, plan, asked, lambda _: None)

    with (
        patch.object(Scrubbing, "conclude", unguarded),
        patch.object(Cycle, "_withhold", lambda *_: None),
    ):
        yield


def difference_counted_at_the_first_look() -> AbstractContextManager[Any]:
    """Count and repair what differs, although its message may still wait in the queue."""
    return patch.object(compactor.scrub.rounds, "is_ready", lambda *_: True)
