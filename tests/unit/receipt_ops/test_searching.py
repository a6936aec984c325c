"""Search hits and the merchant filter."""

from receipt_ops.loading.embedding import embed
from receipt_ops.searching import search
from receipt_sync.keys import EntityKey
from tests.unit.receipt_ops.fakes import InMemorySnapshot

WORD = {
    "image_id": "img",
    "receipt_id": 1,
    "line_id": 2,
    "word_id": 3,
    "text": "COFFEE",
    "merchant_name": "Corner Cafe",
}


def snapshot() -> InMemorySnapshot:
    found = InMemorySnapshot()
    found.put(
        "IMAGE#img#RECEIPT#00001#LINE#00002#WORD#00003", {**WORD, "embedding_stale": True}, "COFFE"
    )
    bare = {"image_id": "img", "receipt_id": 1, "line_id": 4}
    found.put("IMAGE#img#RECEIPT#00001#LINE#00004", bare, "x")
    return found


def test_a_hit_says_where_it_is_and_shows_the_present_text() -> None:
    hit = search(snapshot(), embed, "coffee", 10)[0]
    assert (hit.text, hit.merchant, hit.distance) == ("COFFEE", "Corner Cafe", 0.25)
    assert hit.key == EntityKey("img", 1, 2, 3)
    assert hit.stale


def test_fields_that_a_record_lacks_are_none() -> None:
    hit = search(snapshot(), embed, "coffee", 10)[1]
    assert (hit.text, hit.merchant, hit.key.word_id, hit.stale) == (None, None, None, False)


def test_a_merchant_is_looked_for_by_both_of_its_names() -> None:
    found = snapshot()
    search(found, embed, "coffee", 4, merchant="Corner Cafe")
    assert found.searches == [
        (4, {"$or": [{"merchant_name": "Corner Cafe"}, {"canonical_merchant_name": "Corner Cafe"}]})
    ]


def test_without_a_merchant_nothing_is_filtered() -> None:
    found = snapshot()
    search(found, embed, "coffee", 1)
    assert found.searches == [(1, None)]
