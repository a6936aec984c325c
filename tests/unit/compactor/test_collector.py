"""Python looks for garbage less often during a batch, and as before after it."""

import gc
from collections.abc import Iterator

import pytest

from compactor.collector import ALLOCATIONS, rare_collections
from receipt_sync.keys import Collection
from tests.support.fakes.system import InMemorySystem, line


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_the_threshold_is_higher_in_the_block_and_restored_after_an_error() -> None:
    gc.set_threshold(700, 9, 8)
    seen: list[tuple[int, int, int]] = []
    with pytest.raises(ZeroDivisionError):
        _divide_by_zero_in_the_block(seen)
    assert seen == [(ALLOCATIONS, 9, 8)]
    assert gc.get_threshold() == (700, 9, 8)


def _divide_by_zero_in_the_block(seen: list[tuple[int, int, int]]) -> None:
    with rare_collections():
        seen.append(gc.get_threshold())
        seen.append((1 // 0, 0, 0))


@pytest.mark.parametrize("chosen", [0, 10 * ALLOCATIONS])
def test_a_process_that_collects_more_rarely_still_does(chosen: int) -> None:
    gc.set_threshold(chosen, 10, 10)
    with rare_collections():
        assert gc.get_threshold()[0] == chosen


def test_a_batch_is_handled_in_such_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.set_threshold(700, 10, 10)
    system, seen = InMemorySystem(), list[int]()
    system.table.put(line(1), text="a")
    worker = system.worker()
    run = worker._cycles[Collection.LINES].run

    def watched(*arguments: object) -> object:
        seen.append(gc.get_threshold()[0])
        return run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(worker._cycles[Collection.LINES], "run", watched)
    assert not system.handle(worker, system.delta_body([line(1)])).returned
    assert seen == [ALLOCATIONS]
    assert gc.get_threshold()[0] == 700
