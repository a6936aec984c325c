"""The keys of a receipt's records are read by pages, up to a number, and go on behind a key."""

import pytest

from compactor.cycle.source import Members
from receipt_sync.errors import TableReadError
from receipt_sync.keys import Collection, EntityKey
from tests.support.fakes.system import line, metadata, word
from tests.unit.compactor.cycle.test_source import Answer, Setting, item, refusal

LAST = {"PK": {"S": "IMAGE#img"}, "SK": {"S": "x"}}


def page(*keys: EntityKey, last: bool = False) -> Answer:
    more = {} if last else {"LastEvaluatedKey": LAST}
    return lambda _: {"Items": [item(key) for key in keys], **more}


def read(setting: Setting, most: int, after: EntityKey | None = None) -> Members:
    receipt = metadata().receipt
    return setting.source.member_keys(receipt, Collection.LINES, after, most, setting.deadline())


def test_keys_of_every_page_but_those_of_the_other_collection() -> None:
    setting = Setting(page(line(1), word(1)), page(line(2), metadata(), last=True))
    assert read(setting, most=10) == Members([line(1), line(2)], whole=True)
    assert setting.client.requests[1]["ExclusiveStartKey"] == LAST


def test_no_page_is_read_beyond_the_number_that_is_wanted() -> None:
    setting = Setting(page(line(1), line(2)), page(line(3), line(4)))
    assert read(setting, most=3) == Members([line(1), line(2), line(3)], whole=False)
    assert setting.client.script == []


def test_a_receipt_of_just_the_number_that_is_wanted_is_whole() -> None:
    setting = Setting(page(line(1), line(2), last=True))
    assert read(setting, most=2) == Members([line(1), line(2)], whole=True)


def test_it_goes_on_behind_a_key_and_reads_consistently_and_keys_alone() -> None:
    setting = Setting(page(last=True))
    assert read(setting, most=2, after=line(7)) == Members([], whole=True)
    (request,) = setting.client.requests
    assert request["ExclusiveStartKey"] == {"PK": {"S": line(7).pk}, "SK": {"S": line(7).sk}}
    assert request["ConsistentRead"] is True
    named = {request["ExpressionAttributeNames"][n] for n in ("#f0", "#f1")}
    assert (request["ProjectionExpression"], named) == ("#f0, #f1", {"PK", "SK"})


def test_a_page_that_fails_is_no_answer() -> None:
    setting = Setting(page(line(1)), refusal("ValidationException"))
    with pytest.raises(TableReadError):
        read(setting, most=10)
