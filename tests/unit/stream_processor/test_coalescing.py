"""Several changes of one entity in one batch become one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.changes import EventName, FieldChange
from receipt_sync.fields import RELEVANT_FIELDS
from receipt_sync.keys import EntityKey, EntityType
from stream_processor.coalescing import coalesce
from stream_processor.detection import EntityChange

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def change(
    key: EntityKey,
    sequence: int = 1,
    event: EventName = "MODIFY",
    seconds: float = 0,
    **fields: tuple[object, object],
) -> EntityChange:
    return EntityChange(
        key=key,
        event_name=event,
        changes={name: FieldChange(*values) for name, values in fields.items()},
        timestamp=NOW + timedelta(seconds=seconds),
        stream_record_id=f"e{sequence}",
        sequence_number=f"{sequence:021d}",
        aws_region="eu-west-1",
        first_sequence=sequence,
    )


A, B = EntityKey("a", 1, 1), EntityKey("b", 1, 1)
EVENTS: list[EventName] = ["INSERT", "MODIFY", "REMOVE"]

histories = st.lists(
    st.tuples(
        st.sampled_from([A, B, EntityKey("a", 1), EntityKey("a", 1, 1, 1)]),
        st.sampled_from(EVENTS),
        st.dictionaries(
            st.sampled_from(RELEVANT_FIELDS[EntityType.LINE]),
            st.tuples(st.integers(), st.integers()),
        ),
        st.floats(-60, 60),
    ),
    max_size=12,
).map(
    lambda rows: [
        change(key, number, event, seconds, **fields)
        for number, (key, event, fields, seconds) in enumerate(rows, 1)
    ]
)


@given(histories)
def test_one_change_an_entity_in_the_order_of_their_first_appearance(
    changes: list[EntityChange],
) -> None:
    assert [c.key for c in coalesce(changes)] == list(dict.fromkeys(c.key for c in changes))


@given(histories)
def test_nothing_that_a_batch_said_is_lost(changes: list[EntityChange]) -> None:
    for merged in coalesce(changes):
        of_it = [c for c in changes if c.key == merged.key]
        assert set(merged.changes) == {field for c in of_it for field in c.changes}
        assert merged.first_sequence == min(c.first_sequence for c in of_it)
        assert merged.timestamp == min(c.timestamp for c in of_it)
        assert merged.sequence_number == of_it[-1].sequence_number
        for field, values in merged.changes.items():
            seen = [c.changes[field] for c in of_it if field in c.changes]
            assert values == FieldChange(seen[0].old, seen[-1].new)


@given(histories)
def test_an_entity_that_appeared_or_went_is_never_called_merely_modified(
    changes: list[EntityChange],
) -> None:
    for merged in coalesce(changes):
        events = [c.event_name for c in changes if c.key == merged.key]
        existence = [event for event in events if event != "MODIFY"]
        assert merged.event_name == (existence[-1] if existence else "MODIFY")


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ("INSERT", "MODIFY", "INSERT"),
        ("INSERT", "REMOVE", "REMOVE"),
        ("REMOVE", "INSERT", "INSERT"),
        ("MODIFY", "REMOVE", "REMOVE"),
        ("MODIFY", "MODIFY", "MODIFY"),
    ],
)
def test_the_last_word_on_existence_counts(
    first: EventName, second: EventName, merged: EventName
) -> None:
    (only,) = coalesce([change(A, 1, first), change(A, 2, second)])
    assert only.event_name == merged


def test_a_field_that_went_back_to_its_old_value_is_still_named() -> None:
    (only,) = coalesce([change(A, 1, text=("a", "b")), change(A, 2, text=("b", "a"))])
    assert only.changes == {"text": FieldChange("a", "a")}


def test_a_burst_on_one_line_is_one_change() -> None:
    burst = [change(A, n, text=(str(n - 1), str(n))) for n in range(1, 501)]
    (only,) = coalesce(burst)
    assert only.changes == {"text": FieldChange("0", "500")}
    assert only.first_sequence == 1


def test_nothing_becomes_nothing() -> None:
    assert coalesce([]) == []
