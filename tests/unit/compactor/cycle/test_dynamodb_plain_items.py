"""Only whole answers are taken as JSON; everything else is left to botocore."""

from typing import Any

import pytest

from compactor.cycle.dynamodb_plain_items import _as_json


def taken(status: int, body: bytes) -> tuple[dict[str, Any], bytes]:
    customised: dict[str, Any] = {}
    response: dict[str, Any] = {"status_code": status, "body": body}
    _as_json(response_dict=response, customized_response_dict=customised, operation_model=None)
    return customised, response["body"]


def test_an_answer_is_given_as_it_is_written() -> None:
    body = b'{"Responses": {"t": [{"PK": {"S": "a"}, "n": {"N": "1.50"}}]}}'
    content = {"Responses": {"t": [{"PK": {"S": "a"}, "n": {"N": "1.50"}}]}}
    assert taken(200, body) == (content, b"{}")


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, b'{"__type": "ThrottlingException"}'), (200, b"<html>"), (200, b"[]"), (200, b"")],
)
def test_what_is_no_answer_is_left_alone(status: int, body: bytes) -> None:
    assert taken(status, body) == ({}, body)
