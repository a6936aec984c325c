"""I5: absence is reported only from a read that succeeded whole."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from compactor.cycle.dynamodb_source import DynamoDBSource
from receipt_sync.deadline import Deadline
from receipt_sync.errors import TableReadError
from receipt_sync.keys import EntityKey
from receipt_sync.telemetry import Metric
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line, metadata, word
from tests.support.fakes.telemetry import RecordingTelemetry

KEYS = [line(number) for number in range(1, 6)]

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes an answer of DynamoDB from a request."""


def item(key: EntityKey) -> dict[str, Any]:
    return {"PK": {"S": key.pk}, "SK": {"S": key.sk}, "text": {"S": "a"}}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "BatchGetItem")


class ScriptedClient:
    """Answers each request with the next entry of a script: a function of it, or an error."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []

    def batch_get_item(self, **request: Any) -> Any:
        return self._answer(request)

    query = scan = batch_get_item

    def _answer(self, request: dict[str, Any]) -> Any:
        self.requests.append(request)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request)


def got(*keys: EntityKey, unprocessed: Sequence[EntityKey] = ()) -> Answer:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        rest = [{"PK": {"S": k.pk}, "SK": {"S": k.sk}} for k in unprocessed]
        return {
            "Responses": {"table": [item(key) for key in keys]},
            "UnprocessedKeys": {"table": {"Keys": rest}} if rest else {},
        }

    return answer


class Setting:
    def __init__(self, *script: Any) -> None:
        self.client, self.clock = ScriptedClient(*script), ManualClock()
        self.telemetry = RecordingTelemetry()
        self.source = DynamoDBSource(self.client, "table", Random(1), self.telemetry)  # type: ignore[arg-type]

    def deadline(self) -> Deadline:
        return Deadline(self.clock, 20)


def test_what_is_not_in_a_whole_answer_is_absent() -> None:
    setting = Setting(got(KEYS[0]))
    found = setting.source.get(KEYS, setting.deadline())
    assert found[KEYS[0]] is not None
    assert [found[key] for key in KEYS[1:]] == [None] * 4
    assert setting.client.requests[0]["RequestItems"]["table"]["ConsistentRead"] is True


def test_an_item_is_its_fields_and_one_that_was_not_asked_for_is_left_out() -> None:
    setting = Setting(got(KEYS[0], line(9)))
    assert setting.source.get([KEYS[0]], setting.deadline()) == {KEYS[0]: {"text": "a"}}


def test_unprocessed_keys_are_asked_for_to_the_end() -> None:
    setting = Setting(
        got(KEYS[0], unprocessed=KEYS[1:]), got(*KEYS[1:3], unprocessed=KEYS[3:]), got(KEYS[3])
    )
    found = setting.source.get(KEYS, setting.deadline())
    assert [key for key in KEYS if found[key] is None] == [KEYS[4]]
    assert setting.telemetry.total(Metric.TABLE_REQUESTS) == 3


def test_keys_that_stay_unprocessed_are_no_absence() -> None:
    setting = Setting(*[got(unprocessed=KEYS)] * 100)
    with pytest.raises(TableReadError, match="unprocessed keys"):
        setting.source.get(KEYS, setting.deadline())


def test_throttles_are_tried_again_inside_the_deadline() -> None:
    throttle = refusal("ProvisionedThroughputExceededException")
    setting = Setting(throttle, throttle, got(*KEYS))
    assert None not in setting.source.get(KEYS, setting.deadline()).values()


@pytest.mark.parametrize(
    "error",
    [
        refusal("AccessDeniedException"),
        refusal("ResourceNotFoundException"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ],
)
def test_any_other_error_is_no_absence(error: Exception) -> None:
    setting = Setting(error)
    with pytest.raises(TableReadError):
        setting.source.get(KEYS, setting.deadline())


def test_endless_throttling_is_no_absence() -> None:
    setting = Setting(*[refusal("ThrottlingException")] * 100)
    with pytest.raises(TableReadError, match="ThrottlingException"):
        setting.source.get(KEYS, setting.deadline())


def test_a_hundred_keys_travel_in_one_request() -> None:
    keys = [line(number) for number in range(250)]
    setting = Setting(got(), got(), got())
    setting.source.get(keys, setting.deadline())
    sizes = [len(r["RequestItems"]["table"]["Keys"]) for r in setting.client.requests]
    assert sorted(sizes) == [50, 100, 100]


def test_no_keys_cost_no_request() -> None:
    setting = Setting()
    assert setting.source.get([], setting.deadline()) == {}
    assert setting.source.members([], setting.deadline()) == {}


def test_a_receipts_members_come_from_every_page_without_what_is_someone_elses() -> None:
    pages = [
        lambda _: {
            "Items": [
                item(metadata()),
                {"PK": {"S": "IMAGE#img"}, "SK": {"S": "RECEIPT#00001#LINE#x"}},
            ],
            "LastEvaluatedKey": {"PK": {"S": "IMAGE#img"}},
        },
        lambda _: {
            "Items": [
                item(word(1)),
                {
                    "PK": {"S": "IMAGE#img"},
                    "SK": {"S": "RECEIPT#00001#LINE#00001#WORD#00001#LABEL#T"},
                },
            ]
        },
    ]
    setting = Setting(*pages)
    found = setting.source.members([metadata().receipt], setting.deadline())
    assert set(found) == {metadata(), word(1)}
    assert setting.client.requests[1]["ExclusiveStartKey"] == {"PK": {"S": "IMAGE#img"}}


def test_a_page_that_fails_halfway_is_no_answer() -> None:
    first = lambda _: {"Items": [item(line(1))], "LastEvaluatedKey": {"PK": {"S": "x"}}}  # noqa: E731
    setting = Setting(first, refusal("ValidationException"))
    with pytest.raises(TableReadError):
        setting.source.members([metadata().receipt], setting.deadline())
