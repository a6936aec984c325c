"""The order of a load, and what it hands over."""

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest

from receipt_ops.loading.embedding import embed
from receipt_ops.loading.load import VECTORS_A_DELTA, LoadReport, Stage, load, survey
from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_sync.errors import QueueSendError
from receipt_sync.keys import Collection
from tests.unit.receipt_ops.fakes import RecordingSender, RecordingWriter


def receipts(count: int = 3) -> list[Receipt]:
    return list(synthetic_receipts(count, Random(1)))


def loaded(
    some: list[Receipt], failing: Exception | None = None
) -> tuple[LoadReport, list[tuple[str, Any]], dict[Stage, int]]:
    log: list[tuple[str, Any]] = []
    seen = dict.fromkeys(Stage, 0)

    def advance(stage: Stage, count: int) -> None:
        seen[stage] += count

    report = load(some, RecordingWriter(log), RecordingSender(log, failing), embed, advance)
    return report, log, seen


def statuses(entities: list[Any]) -> set[str | None]:
    return {entity.fields.get("embedding_status") for entity in entities}


def test_items_first_then_vectors_then_their_messages_and_success_last() -> None:
    _, log, _ = loaded(receipts())
    assert [step for step, _ in log] == ["put", "delta", "delta", "send", "put"]
    assert statuses(log[0][1]) == {None, "PENDING"}
    assert statuses(log[-1][1]) == {"SUCCESS"}


def test_messages_that_are_refused_leave_everything_pending() -> None:
    log: list[tuple[str, Any]] = []
    sender = RecordingSender(log, QueueSendError("refused"))
    with pytest.raises(QueueSendError):
        load(receipts(), RecordingWriter(log), sender, embed, lambda *_: None)
    assert [step for step, _ in log] == ["put", "delta", "delta"]
    assert statuses(log[0][1]) == {None, "PENDING"}


def test_every_line_and_word_gets_its_own_vector_and_text_in_its_collection() -> None:
    some = receipts()
    _, log, _ = loaded(some)
    deltas = [content for step, content in log if step == "delta"]
    for collection, keys, vectors, texts in deltas:
        assert all(key.collection is collection for key in keys)
        assert np.array_equal(vectors, embed(texts))
    lines = [
        text
        for collection, _, _, texts in deltas
        if collection is Collection.LINES
        for text in texts
    ]
    assert lines == [line.text for receipt in some for line in receipt.lines]


def test_only_lines_and_words_are_marked_and_their_keys_stay() -> None:
    _, log, _ = loaded(receipts())
    first, last = log[0][1], log[-1][1]
    marked = [entity.key for entity in last]
    assert marked == [entity.key for entity in first if entity.key.collection is not None]


def test_the_survey_announces_what_the_load_counts() -> None:
    some = receipts(60)
    report, _, seen = loaded(some)
    planned = survey(some)
    assert (planned.receipts, planned.lines, planned.words) == (60, report.lines, report.words)
    assert seen == {
        Stage.ITEMS: planned.items,
        Stage.VECTORS: planned.vectors,
        Stage.STATUSES: planned.vectors,
    }


def test_a_delta_holds_at_most_a_thousand_vectors() -> None:
    giant = Receipt(
        receipt="giant", lines=tuple(Line(text="a b", box=(0, 0, 1, 1)) for _ in range(1_500))
    )
    report, log, _ = loaded([giant])
    sizes = [len(content[1]) for step, content in log if step == "delta"]
    assert sorted(sizes) == [500, 1_000, 1_000, 1_000, 1_000]
    assert max(sizes) == VECTORS_A_DELTA
    assert report.deltas == 5


def test_receipts_are_taken_some_at_a_time_so_that_memory_stays_flat() -> None:
    taken = 0

    def counted() -> Iterator[Receipt]:
        nonlocal taken
        for receipt in synthetic_receipts(200, Random(1)):
            taken += 1
            yield receipt

    log: list[tuple[str, Any]] = []
    ahead: list[int] = []
    load(
        counted(),
        RecordingWriter(log),
        RecordingSender(log),
        embed,
        lambda stage, _: ahead.append(taken) if stage is Stage.ITEMS else None,
    )
    assert ahead[0] < 40
    assert ahead == sorted(set(ahead))


def test_loading_nothing_writes_nothing() -> None:
    report, log, _ = loaded([])
    assert (report.items, report.deltas, log) == (0, 0, [])
