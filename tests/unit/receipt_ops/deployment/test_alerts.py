"""Subscriptions to the alarms."""

from typing import Any

import pytest

from receipt_ops.deployment.alerts import AlertsError, Topic, address_of


@pytest.mark.parametrize(
    ("email", "pagerduty", "sentence"),
    [
        (None, None, "either"),
        ("a@b.c", "https://x", "either"),
        ("no-address", None, "not an e-mail address"),
        (None, "https://example.com/integration/KEY/enqueue", "--pagerduty endpoint is malformed"),
        (
            None,
            "http://events.pagerduty.com/integration/" + "a" * 32 + "/enqueue",
            "pagerduty endpoint",
        ),
    ],
)
def test_an_address_that_is_none_is_refused(
    email: str | None, pagerduty: str | None, sentence: str
) -> None:
    with pytest.raises(AlertsError, match=sentence):
        address_of(email, pagerduty)


def test_addresses_are_given_in_the_words_of_sns() -> None:
    endpoint = f"https://events.eu.pagerduty.com/integration/{'b' * 32}/enqueue"
    assert address_of("a@b.example", None) == ("email", "a@b.example")
    assert address_of(None, endpoint) == ("https", endpoint)


class Topics:
    def __init__(self, *arns: str) -> None:
        self.arns = arns

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        yield {"Topics": [{"TopicArn": arn} for arn in self.arns]}


def test_the_only_topic_of_its_kind_is_meant_and_of_several_none() -> None:
    ours, other = "arn:aws:sns:r:1:receipt-sync-alarms-dev", "arn:aws:sns:r:1:billing"
    assert Topic.found(Topics(other, ours), None).arn == ours
    assert Topic.found(Topics(), "arn:given").arn == "arn:given"
    for topics in (Topics(other), Topics(ours, ours + "2")):
        with pytest.raises(AlertsError, match="--topic"):
            Topic.found(topics, None)
