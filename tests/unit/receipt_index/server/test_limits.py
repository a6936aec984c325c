"""What goes into one request, and what into no request at all."""

import string
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compactor.cycle.projection import ALL, Item, project
from receipt_index.records import DELTA_ID, NewVector
from receipt_index.server.limits import CLOUD, SERVER
from receipt_sync.errors import ProjectionError
from receipt_sync.fields import RELEVANT_FIELDS
from receipt_sync.keys import EntityKey, EntityType
from tests.support.fakes.system import line, word

BOX = {"x": 0.5, "y": 0.5, "width": 0.5, "height": 0.5}
ITEM = {
    "text": "t",
    "confidence": 0.5,
    "bounding_box": BOX,
    "embedding_status": "SUCCESS",
    "is_noise": False,
}
MERCHANT = dict.fromkeys(RELEVANT_FIELDS[EntityType.METADATA], "m")


@pytest.mark.parametrize(("key", "fields"), [(line(2), 24), (word(2), 25)])
def test_the_largest_projection_fits_chroma_cloud(key: EntityKey, fields: int) -> None:
    before, after = key.neighbour(-1), key.neighbour(1)
    assert before is not None
    assert after is not None
    items: dict[EntityKey, Item] = {
        key: ITEM, key.metadata: MERCHANT, before: ITEM, after: ITEM,
    }  # fmt: skip
    largest = project(key, items, ALL, "another text") | {DELTA_ID: "d" * 26}
    CLOUD.check(key.chroma_id, largest)
    assert len([value for value in largest.values() if value is not None]) == fields


def test_an_image_id_may_be_a_uuid_and_more_for_chroma_cloud() -> None:
    longest = EntityKey("i" * 70, 99_999, 99_999, 99_999).chroma_id
    assert len(longest) <= CLOUD.id_size


def test_a_refusal_names_the_field_and_the_rule_but_no_value() -> None:
    with pytest.raises(ProjectionError) as raised:
        CLOUD.check("id", {"text": "SECRET" * 1_000})
    assert "6000 bytes of text, and Chroma Cloud takes 4096" in str(raised.value)
    assert "SECRET" not in str(raised.value)


@given(
    st.lists(st.text(string.ascii_letters, max_size=200), max_size=40),
    st.integers(1, 10),
    st.integers(1, 2_000),
)
def test_requests_hold_everything_in_order_and_keep_both_limits(
    texts: list[str], most: int, size: int
) -> None:
    limits = replace(SERVER, write=most, request_size=size)
    records = [
        NewVector(str(number), np.zeros(4, np.float32), text, {"text": text})
        for number, text in enumerate(texts)
    ]
    requests = [list(some) for some in limits.requests(records)]
    assert [record for request in requests for record in request] == records
    for request in requests:
        assert 1 <= len(request) <= most
        texts_in_it = sum(2 * len(record.document) for record in request)
        assert texts_in_it <= size or len(request) == 1


def test_updates_and_deletes_are_cut_by_the_same_limits() -> None:
    limits = replace(SERVER, write=300)
    updates = [(str(number), {"n": number}) for number in range(650)]
    assert [len(some) for some in limits.requests(updates)] == [300, 300, 50]
    assert [len(some) for some in limits.requests([i for i, _ in updates])] == [300, 300, 50]
    assert list(limits.requests([])) == []
