"""Subscriptions to the alarms."""

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from receipt_ops.deployment.alerts import AlertsError, Topic, address_of
from receipt_ops.deployment.sns_topic import topic_of


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
    """An SNS client. The topics have subscriptions of these states."""

    def __init__(self, *arns: str, subscriptions: Sequence[str] = ()) -> None:
        self.arns, self.subscriptions = arns, subscriptions

    def get_topic_attributes(self, TopicArn: str) -> None:  # noqa: N803 as boto3 calls it
        if TopicArn not in self.arns:
            raise ClientError({"Error": {"Code": "NotFound"}}, "GetTopicAttributes")

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        entries = [
            {"Protocol": "email", "Endpoint": "a@b.example", "SubscriptionArn": state}
            for state in self.subscriptions
        ]
        yield {"Topics": [{"TopicArn": arn} for arn in self.arns], "Subscriptions": entries}


def test_the_only_topic_of_its_kind_is_meant_and_of_several_none() -> None:
    ours, other = "arn:aws:sns:r:1:receipt-sync-alarms-dev", "arn:aws:sns:r:1:billing"
    assert Topic.found(Topics(other, ours), None).arn == ours
    assert Topic.found(Topics("arn:given"), "arn:given").arn == "arn:given"
    for topics in (Topics(other), Topics(ours, ours + "2")):
        with pytest.raises(AlertsError, match="--topic"):
            Topic.found(topics, None)


def test_a_given_topic_that_does_not_exist_is_named_in_dry_runs_too() -> None:
    with pytest.raises(AlertsError, match=r"there is no topic arn:nope: correct --topic"):
        topic_of(Topics("arn:other"), "arn:nope")
    assert topic_of(Topics("arn:given"), "arn:given").arn == "arn:given"


@pytest.mark.parametrize("states", [[], ["PendingConfirmation"]])
def test_a_topic_without_a_confirmed_receiver_has_none(states: list[str]) -> None:
    """It said that a test was sent."""
    assert not Topic(Topics(subscriptions=states), "arn:t").has_receiver()
    assert Topic(Topics(subscriptions=[*states, "arn:aws:sns:r:1:t:5a"]), "arn:t").has_receiver()
