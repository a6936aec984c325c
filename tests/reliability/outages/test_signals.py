"""The age of the stream's records is derived from the stream processor's log."""

import json

from tests.reliability.outages.signals import iterator_ages


def processed(seconds: int, failed_from: str | None = None) -> str:
    fields = {"message": "batch processed", "timestamp": f"1970-01-01 00:00:{seconds:02},500+0000"}
    return json.dumps(fields | ({"failed_from": failed_from} if failed_from else {}))


def test_a_record_ages_from_its_first_failure_until_it_is_sent() -> None:
    lines = [processed(1), processed(4, "7"), processed(9, "7"), processed(20, "7"), processed(30)]
    assert iterator_ages(lines) == [
        (1.5, 0.0), (4.5, 0.0), (9.5, 5_000.0), (20.5, 16_000.0), (30.5, 0.0)
    ]  # fmt: skip


def test_another_record_begins_again() -> None:
    lines = [processed(4, "7"), processed(9, "7"), processed(10, "8"), processed(12, "8")]
    assert [age for _, age in iterator_ages(lines)] == [0.0, 5_000.0, 0.0, 2_000.0]


def test_other_lines_say_nothing() -> None:
    assert iterator_ages(["START RequestId: 1", json.dumps({"message": "receipts changed"})]) == []
