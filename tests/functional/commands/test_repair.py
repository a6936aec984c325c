"""Commands find, explain and repair faults, dead letters and lost parts of the stream."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from receipt_index.exact.index import ExactIndex
from receipt_index.records import NewVector, Record
from receipt_sync.keys import Collection
from tests.functional.operator import Operator
from tests.functional.planted_faults import Kind, findings, found_in, plant

RECEIPTS, SEED, FAULTS = 8, 77, 350


@pytest.fixture(scope="module")
def operator(deployed: Stack) -> Operator:
    operator = Operator.of(deployed)
    operator.command("load", "--synthetic", str(RECEIPTS), "--seed", str(SEED))
    operator.settled()
    return operator


def _twin(chroma_id: str, vector: Any, record: Record) -> NewVector:
    return NewVector(chroma_id, vector, record.document or "", dict(record.metadata))


def test_planted_faults_of_every_kind_are_found_and_repaired(operator: Operator) -> None:
    planted = plant(operator, FAULTS, SEED)
    verdict = operator.json("verify", "--examples", "1000", "--since", code=1)
    assert found_in(verdict) == findings(planted)
    assert sum(map(len, planted.values())) == FAULTS
    assert not any(example["since"]["or_earlier"] for example in verdict["examples"])

    planned = operator.json("repair", "--dry-run")
    each = FAULTS // len(Kind)
    counts = {"recompute": 5 * each, "remove": each, "resend": each, "reembed": [], "by_hand": []}
    assert {name: planned[name] for name in counts} == counts
    assert planned["messages"] == 0
    assert operator.json("verify", code=1)["missing"] == each, "a dry run changes nothing"

    repaired = operator.json("repair", "--wait", "60")
    assert repaired["after"]["equal"] == verdict["equal"] + FAULTS - each
    assert operator.json("repair", "--dry-run")["recompute"] == 0


def test_one_receipt_one_image_and_a_sample_are_verified_and_repaired_alone(
    operator: Operator,
) -> None:
    operator.idle()  # a message of an earlier repair would repair this damage
    with operator.tampering(Collection.LINES) as index:
        ids = sorted(index.ids())
        first, last = ids[0], ids[-1]
        index.update({first: {"text": "TAMPERED"}, last: {"text": "TAMPERED"}})
        index.insert(
            [_twin(f"{first[:-5]}90000", index.vectors([first])[first], _record(index, first))]
        )
    image, other = (chroma_id.split("#")[1] for chroma_id in (first, last))
    found = operator.json("verify", "--image", image, code=1)
    assert (found["different"], found["unexpected"]) == (1, 1)
    assert operator.json("verify", "--receipt", f"{other}/1", code=1)["different"] == 1
    nothing = operator.command("verify", "--receipt", f"{other}/2", code=2)
    assert "neither the table nor the index holds anything" in nothing.stderr
    assert operator.json("verify", "--sample", "1", code=1)["different"] == 2

    operator.command("repair", "--image", image, "--wait", "60")
    assert operator.json("verify", code=1)["different"] == 1, "the other image is not touched"
    operator.command("repair", "--receipt", f"{other}/1", "--wait", "60")


def test_a_deletion_of_too_much_is_refused_and_nothing_sent(operator: Operator) -> None:
    with operator.tampering(Collection.LINES) as index:
        first = next(index.ids())
        stranger = f"{first[:-5]}90001"
        vector = index.vectors([first])[first]
        index.insert([_twin(stranger, vector, _record(index, first))])
    for dry in ((), ("--dry-run",)):
        refused = operator.command("repair", "--max-delete-share", "0", *dry, code=2)
        assert "sent nothing" in refused.stderr
    operator.command("repair", "--wait", "60")


def test_a_backfill_sends_every_record_and_repairs_what_differs(
    operator: Operator, tmp_path: Path
) -> None:
    with operator.tampering(Collection.WORDS) as index:
        index.update({i: {"merchant_name": "Before"} for i in list(index.ids())[:20]})
    records = operator.json("verify", code=1)["collections"]
    total = sum(counts["records"] for counts in records.values())
    place = str(tmp_path / "place")
    assert operator.json("backfill", "--dry-run", "--place", place)["records"] == total
    done = operator.json("backfill", "--place", place, "--wait", "60")
    verdict = done.pop("verdict")
    assert (verdict["different"], verdict["missing"]) == (0, 0)
    assert done == {
        "records": total, "records_before": 0, "dry_run": False, "settled": True,
    }  # fmt: skip
    assert not Path(place).exists()


def test_a_parked_stream_record_is_explained_and_goes_back_as_a_change_of_its_entity(
    operator: Operator,
) -> None:
    with operator.reader(Collection.LINES) as reader:
        chroma_id = next(reader.ids())
    pk, _, sk = chroma_id.partition("#RECEIPT#")
    body = {"dynamodb": {"Keys": {"PK": {"S": pk}, "SK": {"S": f"RECEIPT#{sk}"}}}}
    bad = {"dynamodb": {"Keys": {"PK": {"S": pk}, "SK": {"S": "RECEIPT#00001#LINE#x"}}}}
    good_id, bad_id = (operator.park("stream", record, "a reason") for record in (body, bad))

    letters = {
        one["message_id"]: one for one in operator.json("dlq", "explain", code=1)["dead_letters"]
    }
    assert letters[good_id]["outlook"] == "would be taken now"
    assert letters[good_id]["keys"] == [chroma_id]
    assert letters[bad_id]["outlook"] == "would come back"
    assert "five digits" in letters[bad_id]["reason"] or letters[bad_id]["reason"] == "a reason"
    waiting = operator.json("compare", chroma_id)["messages"]
    assert [one["message_id"] for one in waiting] == [good_id]

    dry = operator.json("dlq", "redrive", "--dry-run", code=1)
    assert (dry["moved"], set(dry["kept"])) == ([good_id], {bad_id})
    done = operator.json("dlq", "redrive", "--yes", code=1)
    assert (done["moved"], set(done["kept"])) == ([good_id], {bad_id})
    assert operator.json("dlq", "drop", bad_id, "--yes")["moved"] == [bad_id]
    assert operator.json("dlq", "show")["dead_letters"] == []
    operator.settled()


def test_dead_letters_are_redriven_by_their_ids_and_unknown_ids_are_named(
    operator: Operator,
) -> None:
    one = operator.park("compaction", {"source": "weather_report"}, "unknown source")
    other = operator.park("compaction", {"source": "weather_report"}, "unknown source")
    shown = operator.json("dlq", "show", "--queue", "compaction", code=1)["dead_letters"]
    assert {letter["reason"] for letter in shown} == {"unknown source"}
    assert operator.json("dlq", "drop", one, "--yes")["moved"] == [one]
    answer = operator.json("dlq", "drop", other, "unknown-id", "--yes", code=1)
    assert (answer["moved"], answer["unknown"]) == ([other], ["unknown-id"])


def test_a_part_of_the_stream_that_was_given_up_is_replayed(operator: Operator) -> None:
    changed = operator.change_unseen(Collection.LINES)
    assert operator.json("verify", code=1)["different"] == 1
    message_id = operator.park("stream", operator.failure_record(), None)
    (letter,) = operator.json("dlq", "explain", message_id, code=1)["dead_letters"]
    assert (letter["kind"], letter["outlook"]) == ("part of the stream", "is to be replayed")

    assert operator.json("replay", "--dry-run")["replayed"][0]["changes"] > 0
    done = operator.json("replay", message_id)
    assert done["gone"] == 0
    assert done["replayed"][0]["messages"] > 0
    assert operator.json("dlq", "show")["dead_letters"] == []
    operator.settled()
    assert operator.json("compare", changed)["record"]["is_noise"] is True


def test_a_part_that_the_stream_has_dropped_is_repaired_by_comparing_the_table(
    operator: Operator, tmp_path: Path
) -> None:
    changed = operator.change_unseen(Collection.WORDS)
    record = operator.failure_record()
    record["DDBStreamBatchInfo"]["startSequenceNumber"] = "1".zfill(21)
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record))
    done = operator.json("replay", "--file", str(file))
    assert (done["gone"], done["replayed"]) == (1, [])
    assert done["repair"]["recompute"] == 1
    operator.settled()
    assert operator.json("compare", changed)["record"]["is_noise"] is True


def _record(index: ExactIndex, chroma_id: str) -> Record:
    return index.get([chroma_id])[chroma_id]
