"""The JSONL format: what is read, and how a fault is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from receipt_ops.errors import MalformedReceiptError
from receipt_ops.loading.receipts import BoundingBox, Line, Receipt, read_receipts

GOOD: dict[str, Any] = {
    "receipt": "000",
    "company": "Corner Cafe",
    "address": "1 High Street",
    "date": "25/12/2018",
    "total": "9.00",
    "lines": [{"text": "TOTAL 9.00", "box": [10, 20, 110, 40]}],
}


def written(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "receipts.jsonl"
    path.write_text(
        "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    )
    return path


def test_reads_one_receipt_a_line_and_passes_over_blank_lines(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, "", {**GOOD, "receipt": "001"})
    receipts = list(read_receipts(path))
    assert [receipt.receipt for receipt in receipts] == ["000", "001"]
    assert receipts[0].company == "Corner Cafe"
    assert receipts[0].lines[0].text == "TOTAL 9.00"
    assert receipts[0].lines[0].confidence is None


def test_is_a_stream_so_a_fault_later_on_does_not_hide_what_comes_before(tmp_path: Path) -> None:
    receipts = read_receipts(written(tmp_path, GOOD, "{"))
    assert next(receipts).receipt == "000"
    with pytest.raises(MalformedReceiptError):
        next(receipts)


def test_what_a_scan_did_not_tell_may_be_null_or_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, {**GOOD, "address": None}, {"receipt": "001", "lines": []})
    with_null, without = read_receipts(path)
    assert with_null.address is None
    assert (without.company, without.total, without.lines) == (None, None, ())


@pytest.mark.parametrize(
    ("fault", "where", "rule"),
    [
        ("{not json", "", "Invalid JSON"),
        ("[]", "", "object"),
        ({**GOOD, "receipt": ""}, "receipt", "at least 1 character"),
        ({**GOOD, "receipt": 7}, "receipt", "valid string"),
        ({**GOOD, "adress": "x"}, "adress", "not permitted"),
        ({k: v for k, v in GOOD.items() if k != "lines"}, "lines", "required"),
        ({**GOOD, "lines": [{"text": "a"}]}, "lines.0.box", "required"),
        ({**GOOD, "lines": [{"text": " ", "box": [0, 0, 1, 1]}]}, "lines.0", "not white space"),
        ({**GOOD, "lines": [{"text": "a", "box": [0, 0, 1]}]}, "lines.0.box.3", "required"),
        ({**GOOD, "lines": [{"text": "a", "box": [5, 0, 1, 1]}]}, "lines.0", "x1 <= x2"),
        ({**GOOD, "lines": [{"text": "a", "box": [0, 5, 1, 1]}]}, "lines.0", "y1 <= y2"),
        ({**GOOD, "lines": [{"text": "a", "box": ["0", 0, 1, 1]}]}, "lines.0.box.0", "number"),
        (
            '{"receipt": "x", "lines": [{"text": "a", "box": [0, 0, NaN, 1]}]}',
            "lines.0.box.2",
            "finite",
        ),
        (
            {**GOOD, "lines": [{"text": "a", "box": [0, 0, 1, 1], "confidence": 2}]},
            "lines.0.confidence",
            "less than or equal to 1",
        ),
    ],
)
def test_a_fault_names_file_line_place_and_rule(
    tmp_path: Path, fault: Any, where: str, rule: str
) -> None:
    path = written(tmp_path, GOOD, fault)
    with pytest.raises(MalformedReceiptError) as raised:
        list(read_receipts(path))
    assert str(raised.value).startswith(f"{path}, line 2: {where}")
    assert rule in str(raised.value)


def test_many_faults_of_a_line_are_counted_and_not_all_printed(tmp_path: Path) -> None:
    lines = [{"text": "", "box": [0, 0, 1, 1]}] * 10
    with pytest.raises(MalformedReceiptError, match="and 7 more"):
        list(read_receipts(written(tmp_path, {**GOOD, "lines": lines})))


def test_a_name_that_comes_twice_is_refused_because_it_would_overwrite(tmp_path: Path) -> None:
    with pytest.raises(MalformedReceiptError, match=r"line 3: receipt: line 1 has the same name"):
        list(read_receipts(written(tmp_path, GOOD, {**GOOD, "receipt": "b"}, GOOD)))


def test_bytes_that_are_not_utf_8_are_a_fault_of_their_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"receipt": "caf\xe9", "lines": []}\n')
    with pytest.raises(MalformedReceiptError, match="line 2"):
        list(read_receipts(path))


def test_words_share_the_box_by_the_positions_of_their_characters() -> None:
    words = Line(text="AB  CDEF", box=(100, 20, 180, 40)).words()
    assert [word.text for word in words] == ["AB", "CDEF"]
    assert words[0].box == BoundingBox(100, 20, 120, 40)
    assert words[1].box == BoundingBox(140, 20, 180, 40)


def test_a_line_of_one_word_gives_it_the_whole_box() -> None:
    (word,) = Line(text="TOTAL", box=(1, 2, 3, 4)).words()
    assert word == ("TOTAL", BoundingBox(1, 2, 3, 4))


def test_words_are_split_on_any_white_space() -> None:
    words = Line(text="\tA\u00a0B\u2003C ", box=(0, 0, 8, 1)).words()
    assert [word.text for word in words] == ["A", "B", "C"]


def test_a_receipt_survives_its_own_json() -> None:
    receipt = Receipt.model_validate(GOOD)
    assert Receipt.model_validate_json(receipt.model_dump_json()) == receipt
