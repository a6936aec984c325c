"""180,500 odd inputs: 105,500 of them mutated at random, 75,000 guided by coverage.

`python -m tests.reliability.fuzz TARGET` runs one target for as long as one likes.
"""

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from receipt_sync.errors import QueueSendError
from stream_processor import packing, processor
from stream_processor.sqs_parking import SQSParking
from tests.reliability.fuzz.contract import PARKED, BrokenContractError
from tests.reliability.fuzz.runner import feed
from tests.reliability.fuzz.seeds import SECRET
from tests.reliability.fuzz.targets import TARGETS

# A target takes ten seconds on an idle machine, and much longer beside busy processes.
pytestmark = pytest.mark.timeout(1200)

_CHEAP = 14_000
_DEAR = 1_500
"""For what writes files, or runs a whole batch."""
_GUIDED_CHEAP = 10_000
_GUIDED_DEAR = 1_000
_QUICK_SHARE = 0.05
"""The share of the random inputs that `make test` feeds."""
_DEAR_TARGETS = {
    "packs",
    "pack_contents",
    "stream_events",
    "compaction_bodies",
    "compaction_deltas",
}


def _inputs(name: str, cheap: int, dear: int) -> int:
    return dear if name in _DEAR_TARGETS else cheap


def test_there_are_a_hundred_thousand_inputs_even_where_atheris_has_no_wheel() -> None:
    random = sum(_inputs(name, _CHEAP, _DEAR) for name in TARGETS)
    guided = sum(_inputs(name, _GUIDED_CHEAP, _GUIDED_DEAR) for name in TARGETS)
    assert (random, guided) == (105_500, 75_000)


@pytest.mark.parametrize("share", [_QUICK_SHARE, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", TARGETS)
def test_a_mutated_input_is_applied_ignored_or_set_aside(name: str, share: float) -> None:
    fed = feed(TARGETS[name], round(share * _inputs(name, _CHEAP, _DEAR)), seed=1)
    assert fed.failure is None, str(fed.failure)
    assert fed.outcomes["applied"] > 0
    assert fed.outcomes["parked"] > 0


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel here")
@pytest.mark.parametrize("name", TARGETS)
def test_an_input_that_coverage_led_to_is_applied_ignored_or_set_aside(name: str) -> None:
    inputs = _inputs(name, _GUIDED_CHEAP, _GUIDED_DEAR)
    command = [
        sys.executable,
        "-m",
        "tests.reliability.fuzz",
        name,
        "--guided",
        "--inputs",
        str(inputs),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {inputs} runs" in done.stderr


def _of_a_broken_key(sk: str) -> bytes:
    keys = {"PK": {"S": "IMAGE#image"}, "SK": {"S": sk}}
    body = {"Keys": keys, "NewImage": {"text": {"S": SECRET}}, "SequenceNumber": "1"}
    return json.dumps({"eventName": "MODIFY", "dynamodb": body}).encode()


def test_a_text_that_a_producer_put_into_a_key_may_be_logged_with_the_key() -> None:
    check = TARGETS["stream_events"].make()
    assert check(_of_a_broken_key(f"RECEIPT#00001#LINE#{SECRET}")) == PARKED


def test_a_reason_that_quotes_an_image_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    park = SQSParking.park
    monkeypatch.setattr(
        SQSParking, "park", lambda self, record, _: park(self, record, str(record)[-500:])
    )
    with pytest.raises(BrokenContractError, match="quotes"):
        TARGETS["stream_events"].make()(_of_a_broken_key("RECEIPT#1#LINE#1"))


def _bare_parking(self: SQSParking, record: Any, reason: str) -> None:
    """Sends the record as it is, whatever its size, and the reason without its rules."""
    attributes = {"reason": {"DataType": "String", "StringValue": reason}}
    try:
        self._client.send_message(
            QueueUrl="letters",
            MessageBody=json.dumps(record),
            MessageAttributes=attributes,  # type: ignore[arg-type]
        )
    except ClientError as error:
        raise QueueSendError("the dead-letter queue did not store a record") from error


def _large_record() -> bytes:
    record = json.loads(_of_a_broken_key("RECEIPT#1#LINE#1"))
    record["dynamodb"]["NewImage"]["text"]["S"] = "x" * 300_000
    return json.dumps(record).encode()


def test_a_poison_record_that_its_dead_letter_queue_refuses_blocks_its_shard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert TARGETS["stream_events"].make()(_large_record()) == PARKED
    monkeypatch.setattr(SQSParking, "park", _bare_parking)
    with pytest.raises(BrokenContractError, match="blocks its shard from 1 on"):
        TARGETS["stream_events"].make()(_large_record())


def test_a_message_that_the_queue_refuses_blocks_its_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = packing._encoded

    def unmended(content: Any) -> tuple[str, int]:
        body, size = encoded(content)
        return body.replace("\\uffff", "\uffff"), size

    monkeypatch.setattr(packing, "_encoded", unmended)
    keys = {"PK": {"S": "IMAGE#i"}, "SK": {"S": "RECEIPT#00001#LINE#00001"}}
    body: dict[str, Any] = {
        "Keys": keys,
        "NewImage": {"text": {"S": "\uffff"}},
        "SequenceNumber": "7",
    }
    record = {"eventName": "INSERT", "awsRegion": "r", "eventID": "1", "dynamodb": body}
    body["ApproximateCreationDateTime"] = 1767225600.0
    with pytest.raises(BrokenContractError, match="blocks its shard"):
        TARGETS["stream_events"].make()(json.dumps(record).encode())


def test_an_error_that_a_record_raises_breaks_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """QueueSendError was taken for a parked record, though the whole batch comes again."""

    def detect(_: Any) -> Any:
        raise QueueSendError("none could be queued")

    monkeypatch.setattr(processor, "detect", detect)
    with pytest.raises(BrokenContractError, match="blocks its shard: the batch comes again"):
        TARGETS["stream_events"].make()(_of_a_broken_key("RECEIPT#00001#LINE#00001"))
