"""A scan yields every entity of the table, page by page, and nothing else."""

from typing import Any

import pytest

from receipt_sync.errors import TableReadError
from tests.support.fakes.system import line, metadata, word
from tests.unit.compactor.cycle.test_source import Answer, Setting, item, refusal

MORE = {"PK": {"S": "IMAGE#img"}, "SK": {"S": "x"}}


def page(*items: dict[str, Any], last: bool = False) -> Answer:
    more = {} if last else {"LastEvaluatedKey": MORE}
    return lambda _: {"Items": list(items), **more}


def test_entities_of_every_page_come_with_their_items_and_foreign_keys_do_not() -> None:
    foreign = {"PK": {"S": "USER#1"}, "SK": {"S": "PROFILE"}}
    malformed = {"PK": {"S": "IMAGE#img"}, "SK": {"S": "RECEIPT#1#LINE#2"}}
    setting = Setting(
        page(item(line(1)), foreign), page(), page(malformed, item(metadata())),
        page(item(word(1)), last=True),
    )  # fmt: skip
    found = dict(setting.source.scan(setting.deadline()))
    assert set(found) == {line(1), metadata(), word(1)}
    assert found[line(1)]["text"] == "a"
    starts = [request.get("ExclusiveStartKey") for request in setting.client.requests]
    assert starts == [None, MORE, MORE, MORE]


def test_a_page_that_fails_ends_the_scan_with_an_error() -> None:
    setting = Setting(page(item(line(1))), refusal("ValidationException"))
    with pytest.raises(TableReadError):
        list(setting.source.scan(setting.deadline()))
