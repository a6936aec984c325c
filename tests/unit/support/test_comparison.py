"""The campaigns' own comparison accepts what is right, and names each kind of fault."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from compactor.cycle.projection import project
from receipt_ops.loading.dynamodb_items import item_of
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import embedded, entities_of
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_sync.attributes import decode_item
from tests.support.oracle.comparison import Differences, Published, differences

(_RECEIPT,) = synthetic_receipts(1, Random(1))
ENTITIES = [embedded(e) if e.key.collection else e for e in entities_of(_RECEIPT)]
TEXTS = {e.key.chroma_id: e.text for e in ENTITIES if e.key.collection}
LINE = next(id_ for id_ in TEXTS if id_.endswith("#LINE#00002"))
PK, _, _REST = LINE.partition("#RECEIPT#")
SK = f"RECEIPT#{_REST}"


class State:
    """A table, what readers see of it, and what was embedded; all equal at first."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {
            (e.key.pk, e.key.sk): item_of(e) for e in ENTITIES
        }
        decoded = {e.key: decode_item(item_of(e)) for e in ENTITIES}
        self.embedded = dict(TEXTS)
        self.published: dict[str, Published] = {}
        for entity in ENTITIES:
            if entity.key.collection:
                held = project(entity.key, decoded, document=entity.text)
                metadata = {name: value for name, value in held.items() if value is not None}
                (vector,) = embed([entity.text])
                record = Published({**metadata, "delta_id": "1"}, entity.text, vector)
                self.published[entity.key.chroma_id] = record

    def compared(self) -> Differences:
        return differences(self.items, self.published, self.embedded)


def _set_text(state: State) -> None:
    state.items[PK, SK] = {**state.items[PK, SK], "text": {"S": "CHANGED"}}


def _rename_merchant(state: State) -> None:
    key = next(key for key in state.items if key[1].endswith("#METADATA"))
    state.items[key] = {**state.items[key], "merchant_name": {"S": "CHANGED"}}


def _mark_stale(state: State) -> None:
    metadata = {**state.published[LINE].metadata, "embedding_stale": True}
    state.published[LINE] = state.published[LINE]._replace(metadata=metadata)


def _lose_record(state: State) -> None:
    del state.published[LINE]


def _lose_item(state: State) -> None:
    del state.items[PK, SK]


def _lose_delta(state: State) -> None:
    """A later text was embedded, and its vector never arrived; the metadata says so rightly."""
    _set_text(state)
    state.embedded[LINE] = "CHANGED"


def _keep_the_old_vector(state: State) -> None:
    (other,) = embed(["ANOTHER TEXT"])
    state.published[LINE] = state.published[LINE]._replace(vector=other)


def _lose_vector(state: State) -> None:
    state.published[LINE] = state.published[LINE]._replace(vector=None)


def test_what_the_compactor_would_write_is_no_difference() -> None:
    found = State().compared()
    assert (found.wrong, str(found)) == (0, "no difference")
    assert found.records == len(TEXTS) > 50


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (_set_text, "other metadata"),
        (_rename_merchant, "other metadata"),
        (_mark_stale, "other metadata"),
        (_lose_record, "missing"),
        (_lose_item, "unexpected"),
        (_lose_delta, "other document"),
        (_lose_delta, "other vector"),
        (_keep_the_old_vector, "other vector"),
        (_lose_vector, "other vector"),
    ],
)
def test_each_fault_is_named(damage: Callable[[State], None], kind: str) -> None:
    state = State()
    damage(state)
    found = state.compared()
    assert found.kinds[kind]
    assert found.wrong > 0
    assert kind in str(found)


def test_an_item_that_was_never_embedded_needs_no_record() -> None:
    state = State()
    _lose_record(state)
    del state.embedded[LINE]
    state.items[PK, SK] = {**state.items[PK, SK], "embedding_status": {"S": "PENDING"}}
    assert LINE not in state.compared().missing
