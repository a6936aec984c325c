"""I1 with a Chroma server as the target, which cannot undo the writes of a late worker."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from receipt_index.server.target import ServerTarget
from receipt_index.snapshot.copies.working_copy import Published
from receipt_sync.keys import EntityKey
from tests.property.test_convergence import KEYS, TEXTS, Convergence
from tests.support.fakes.server import InMemoryServerSystem, Wrap

PLACES = ("before its claim", "after its claim", "before its publish")


class ServerConvergence(Convergence):
    system: InMemoryServerSystem

    def make_system(self) -> InMemoryServerSystem:
        return InMemoryServerSystem()

    @rule(
        key=KEYS,
        text=TEXTS,
        back=st.booleans(),
        settled=st.booleans(),
        place=st.sampled_from(PLACES),
        dies=st.booleans(),
    )
    def deliver_to_a_worker_that_pauses_while_another_takes_over(
        self, key: EntityKey, text: str, back: bool, settled: bool, place: str, dies: bool
    ) -> None:
        if settled:
            self._handle(self.workers[0], list(self.queue), keep=False)
        old = self.items.get(key, {}).get("text", {"S": "first"})["S"]
        self.write(key, text, None)
        self._pause(place, lambda: self.write(key, old if back else text + "!", None), dies)

    @rule(key=KEYS, place=st.sampled_from(PLACES), dies=st.booleans())
    def deliver_a_deletion_to_a_worker_that_pauses_while_the_record_comes_back(
        self, key: EntityKey, place: str, dies: bool
    ) -> None:
        def come_back() -> None:
            self.write(key, "again", None)
            self.embed({key})

        self.delete(key)
        self._pause(place, come_back, dies)

    @rule(keys=st.sets(KEYS, min_size=1, max_size=3), worker=st.integers(0, 1))
    def deliver_while_the_server_does_not_answer(self, keys: set[EntityKey], worker: int) -> None:
        self.embed(keys)
        for index in self.system.server.values():
            index.down = True
        self._handle(self.workers[worker], list(self.queue), keep=False)
        for index in self.system.server.values():
            index.down, index.unanswered = False, False

    def teardown(self) -> None:
        if hasattr(self, "system"):
            self.system.clock.advance(1_000)  # the paused or killed worker has ended by now
        super().teardown()

    def _pause(self, place: str, edit: Callable[[], object], dies: bool) -> None:
        def take_over() -> None:
            self.system.clock.advance(61)
            edit()
            self._handle(self.workers[1], list(self.queue), keep=False)

        paused = self.system.worker("paused", wrap=_interrupt(place, take_over, dies))
        self._handle(paused, list(self.queue), keep=False)


class KilledError(Exception):
    pass


def _interrupt(place: str, meanwhile: Callable[[], object], dies: bool) -> Wrap:
    """Return a wrapper that runs `meanwhile` once, in the first cycle that reaches `place`."""
    runs = iter([meanwhile])

    def pause() -> None:
        for run in runs:
            run()

    def wrap(target: ServerTarget) -> None:
        claim, publish = target.mark_dirty, target.publish

        def mark_dirty() -> None:
            if place == "before its claim":
                pause()
            claim()
            if place == "after its claim":
                pause()

        def slow_publish(record_count: int | None) -> Published:
            if place == "before its publish":
                pause()
            if dies:
                raise KilledError
            return publish(record_count)

        target.mark_dirty, target.publish = mark_dirty, slow_publish  # type: ignore[method-assign]

    return wrap


ServerConvergence.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None
)
TestServerConvergence = ServerConvergence.TestCase
