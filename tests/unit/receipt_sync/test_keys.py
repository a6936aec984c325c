"""Keys: ours, malformed or someone else's; whole matches only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.errors import MalformedKeyError
from receipt_sync.keys import Collection, EntityKey, EntityType, parse_chroma_id, parse_key

IMAGE = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
PK = f"IMAGE#{IMAGE}"

images = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="#"), min_size=1, max_size=100
)
numbers = st.integers(0, 10**18 - 1)
keys = st.one_of(
    st.tuples(images, numbers),
    st.tuples(images, numbers, numbers),
    st.tuples(images, numbers, numbers, numbers),
).map(lambda ids: EntityKey(*ids))


@given(keys)
def test_what_is_formatted_is_parsed_to_the_same_key(key: EntityKey) -> None:
    assert parse_key(key.pk, key.sk) == key


@given(keys.filter(lambda key: key.line_id is not None))
def test_a_chroma_id_names_its_entity(key: EntityKey) -> None:
    assert parse_chroma_id(key.chroma_id) == key


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_are_ours_malformed_or_foreign(pk: str, sk: str) -> None:
    try:
        key = parse_key(pk, sk)
    except MalformedKeyError:
        return
    assert key is None or (key.pk, key.sk) == (pk, sk)


@pytest.mark.parametrize(
    ("sk", "entity_type", "collection"),
    [
        ("RECEIPT#00001#METADATA", EntityType.METADATA, None),
        ("RECEIPT#00001#LINE#00002", EntityType.LINE, Collection.LINES),
        ("RECEIPT#00001#LINE#00002#WORD#00003", EntityType.WORD, Collection.WORDS),
    ],
)
def test_each_entity_has_its_type_and_collection(
    sk: str, entity_type: EntityType, collection: Collection | None
) -> None:
    key = parse_key(PK, sk)
    assert key is not None
    assert (key.entity_type, key.collection, key.sk) == (entity_type, collection, sk)


def test_more_than_five_digits_are_ours() -> None:
    assert parse_key(PK, "RECEIPT#100000#LINE#1234567") == EntityKey(IMAGE, 100_000, 1_234_567)


def test_the_case_of_an_image_id_is_kept() -> None:
    key = parse_key("IMAGE#AbC", "RECEIPT#00001#METADATA")
    assert key is not None
    assert key.pk == "IMAGE#AbC"


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        (PK, "RECEIPT#00001"),
        (PK, "RECEIPT#00001#LINE#00002#WORD#00003#LABEL#TOTAL"),
        (PK, "RECEIPT#00001#ANALYSIS#METADATA"),
        (PK, "X#METADATA"),
        (PK, "#METADATA"),
        (PK, "METADATA"),
        (PK, "RECEIPT#00001#METADATA#V2"),
        (PK, "LINE#00001"),
        (PK, "RECEIPT#00001#LETTER#00001"),
        (PK, ""),
        ("", ""),
        ("USER#7", "RECEIPT#00001#LINE#x"),
        ("LOCK#chroma-main-snapshot-lines", "LOCK"),
        ("IMAGES#7", "RECEIPT#00001#METADATA"),
    ],
)
def test_a_key_of_another_shape_is_someone_elses(pk: str, sk: str) -> None:
    assert parse_key(pk, sk) is None


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        (PK, "RECEIPT#1#METADATA"),
        (PK, "RECEIPT##METADATA"),
        (PK, "RECEIPT#00001#LINE#1"),
        (PK, "RECEIPT#00001#LINE#x"),
        (PK, "RECEIPT#00001#LINE#"),
        (PK, "RECEIPT#00001#LINE#000001"),
        (PK, "RECEIPT#00001#LINE#00002\n"),
        (PK, "RECEIPT#00001#LINE#\u0660\u0660\u0660\u0660\u0661"),
        (PK, "RECEIPT#00001#LINE#-0001"),
        (PK, f"RECEIPT#00001#LINE#{10**18}"),
        (PK, "RECEIPT#00001#LINE#00002#WORD#3"),
        (PK, "RECEIPT#0000a#LINE#00002#WORD#00003"),
        ("IMAGE#", "RECEIPT#00001#METADATA"),
        ("IMAGE#a#b", "RECEIPT#00001#METADATA"),
        ("IMAGE#\ud800", "RECEIPT#00001#METADATA"),
        ("IMAGE#" + "x" * 2043, "RECEIPT#00001#METADATA"),
        ("IMAGE#" + "é" * 1022, "RECEIPT#00001#METADATA"),
    ],
)
def test_our_shape_without_our_letters_is_malformed(pk: str, sk: str) -> None:
    with pytest.raises(MalformedKeyError, match="correct the producer"):
        parse_key(pk, sk)


@pytest.mark.parametrize("image", ["x" * 2042, "é" * 1021, "😀" * 510, "\x00", "\ufffe", "a\nb"])
def test_every_partition_key_that_the_table_can_hold_is_ours(image: str) -> None:
    assert parse_key(f"IMAGE#{image}", "RECEIPT#00001#METADATA") == EntityKey(image, 1)


def test_the_reason_of_a_huge_malformed_key_stays_short() -> None:
    with pytest.raises(MalformedKeyError) as raised:
        parse_key(PK, "RECEIPT#" + "9" * 1_000_000 + "#METADATA")
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize(
    "chroma_id",
    ["", "IMAGE#a", f"{PK}#RECEIPT#00001#METADATA", f"{PK}#RECEIPT#00001#LINE#1", "x" * 5000],
)
def test_a_text_that_is_no_record_id_is_refused(chroma_id: str) -> None:
    with pytest.raises(MalformedKeyError) as raised:
        parse_chroma_id(chroma_id)
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        (EntityKey("i", 1, 0), None, EntityKey("i", 1, 1)),
        (EntityKey("i", 1, 5), EntityKey("i", 1, 4), EntityKey("i", 1, 6)),
        (EntityKey("i", 1, 5, 0), None, EntityKey("i", 1, 5, 1)),
        (EntityKey("i", 1, 5, 2), EntityKey("i", 1, 5, 1), EntityKey("i", 1, 5, 3)),
        (EntityKey("i", 1), None, None),
    ],
)
def test_neighbours_are_one_id_away_in_the_same_receipt_or_line(
    key: EntityKey, before: EntityKey | None, after: EntityKey | None
) -> None:
    assert (key.neighbour(-1), key.neighbour(1)) == (before, after)


def test_a_receipt_is_the_same_for_all_of_its_entities() -> None:
    word = EntityKey("i", 7, 2, 3)
    assert word.receipt == word.metadata.receipt == EntityKey("i", 7, 9).receipt
    assert word.metadata.sk == "RECEIPT#00007#METADATA"
    assert word.sk.startswith(word.receipt.sk_prefix)
    assert word.receipt.pk == word.pk == "IMAGE#i"
