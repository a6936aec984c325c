"""What sends vectors refuses a collection that would not take them, before it writes anything."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from typer.testing import CliRunner

import receipt_ops.commands.receipts.load as load_module
import receipt_ops.commands.receipts.receipts_for_tests as receipts_module
import receipt_ops.loading.dimensions as dimensions_module
import receipt_ops.loading.tasks as tasks_module
from receipt_ops.errors import OtherDimensionError
from receipt_ops.terminal.cli import main
from receipt_sync.keys import Collection
from tests.unit.receipt_ops.fakes import InMemorySnapshot, RecordingSender, RecordingWriter
from tests.unit.receipt_ops.terminal.test_cli import CONNECTION

WIDE = {"COLUMNS": "200", "NO_COLOR": "1"}
Published = dict[Collection, InMemorySnapshot]
LOADING = [["load", "--synthetic", "2"], ["create-test-receipts", "--count", "2"]]


class Sized(InMemorySnapshot):
    """A published collection of vectors of one dimension; of none before its first vector."""

    def __init__(self, dimension: int | None) -> None:
        super().__init__()
        self.refresh: Callable[[], bool] = lambda: True
        self._dimension = dimension

    def dimension(self) -> int | None:
        return self._dimension


def published(lines: int | None, words: int | None) -> Published:
    return {Collection.LINES: Sized(lines), Collection.WORDS: Sized(words)}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    log: list[tuple[str, Any]] = []
    for module in (load_module, receipts_module):
        monkeypatch.setattr(module, "connection_of_process", lambda: CONNECTION)
        monkeypatch.setattr(module, "check_reachable", lambda _: None)
    monkeypatch.setattr(tasks_module, "writer_of", lambda _: RecordingWriter(log))
    monkeypatch.setattr(tasks_module, "sender_of", lambda _: RecordingSender(log))
    return log


def show(monkeypatch: pytest.MonkeyPatch, collections: Published) -> None:
    @contextmanager
    def readers(_: Any) -> Iterator[Published]:
        yield collections

    monkeypatch.setattr(tasks_module, "snapshot_readers", readers)


@pytest.mark.parametrize("command", LOADING)
@pytest.mark.parametrize(("lines", "words"), [(3, 384), (384, 3), (3, None)])
def test_a_collection_of_another_dimension_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch,
    written: list[tuple[str, Any]],
    command: list[str],
    lines: int,
    words: int | None,
) -> None:
    """It exited with 0, and every delta became a dead letter."""
    show(monkeypatch, published(lines, words))
    answer = CliRunner().invoke(main, command, env=WIDE)
    assert written == []
    assert answer.exit_code == 2
    wrong = Collection.LINES if lines == 3 else Collection.WORDS
    seen = " ".join(answer.stderr.split())
    assert (
        f"{wrong} holds vectors of 3 dimensions, but this command makes vectors of 384 dimensions"
        in seen
    )


@pytest.mark.parametrize("command", LOADING)
@pytest.mark.parametrize(("lines", "words"), [(384, 384), (None, 384), (None, None)])
def test_a_collection_of_the_same_dimension_or_of_none_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
    written: list[tuple[str, Any]],
    command: list[str],
    lines: int | None,
    words: int | None,
) -> None:
    show(monkeypatch, published(lines, words))
    assert CliRunner().invoke(main, command, env=WIDE).exit_code == 0
    assert [step for step, _ in written][:2] == ["put", "delta"]


def test_every_collection_of_another_dimension_is_named_with_what_to_do() -> None:
    readers: Any = published(3, 4)
    with pytest.raises(OtherDimensionError) as error:
        dimensions_module.check_dimensions(readers, 384)
    assert str(error.value) == (
        "receipt_lines holds vectors of 3 dimensions, receipt_words holds vectors of 4 "
        "dimensions, but this command makes vectors of 384 dimensions: send vectors of the "
        "collection's own model, or use a deployment whose collections never held a vector or hold "
        "vectors of 384 dimensions"
    )
