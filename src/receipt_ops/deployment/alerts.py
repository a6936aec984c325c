"""The subscriptions of the SNS topic that receives the alarms."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from receipt_ops.errors import OperationError

TOPIC_PREFIX: Final = "receipt-sync-alarms-"
"""The start of the topic's name in Terraform. The name of the environment follows it."""
# https://www.pagerduty.com/docs/guides/aws-cloudwatch-integration-guide/
_PAGERDUTY: Final = re.compile(
    r"https://events(\.eu)?\.pagerduty\.com/integration/[A-Za-z0-9]{20,64}/enqueue"
)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_SECRET: Final = re.compile(r"(/integration/)[^/]+(/)")


class AlertsError(OperationError):
    """The topic or an address cannot be used."""


class Subscription(NamedTuple):
    """Holds a subscription. SNS sends nothing to an unconfirmed one. A PagerDuty key is masked."""

    protocol: str
    endpoint: str
    arn: str
    confirmed: bool


class Address(NamedTuple):
    """Holds a protocol and an endpoint, in the terms of SNS."""

    protocol: str
    endpoint: str


def address_of(email: str | None, pagerduty: str | None) -> Address:
    """Return the address of an e-mail or a PagerDuty endpoint.

    Exactly one of them must be given and valid. Raises AlertsError otherwise.
    """
    if (email is None) == (pagerduty is None):
        raise AlertsError("a subscription has one address: give either --email or --pagerduty")
    if email is not None:
        if not _EMAIL.fullmatch(email):
            raise AlertsError(
                f"{email!r} is not an e-mail address: give one of the form name@example.com"
            )
        return Address("email", email)
    if not _PAGERDUTY.fullmatch(pagerduty or ""):
        raise AlertsError(
            "the --pagerduty endpoint is malformed: give "
            "https://events.pagerduty.com/integration/KEY/enqueue, where KEY is the integration "
            "key of the service's Amazon CloudWatch integration"
        )
    return Address("https", str(pagerduty))


class Topic:
    """Manages the subscriptions of the topic that receives the alarms."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self.arn = client, arn

    @classmethod
    def found(cls, client: Any, arn: str | None) -> "Topic":
        """Return the topic with this ARN, or the only topic with TOPIC_PREFIX.

        Raises AlertsError if there is not exactly one such topic.
        """
        if arn is not None:
            return cls(client, arn)
        pages = client.get_paginator("list_topics").paginate()
        arns = [topic["TopicArn"] for page in pages for topic in page["Topics"]]
        ours = [one for one in arns if one.rsplit(":", 1)[1].startswith(TOPIC_PREFIX)]
        if len(ours) != 1:
            listed = ", ".join(sorted(ours)) or "none"
            raise AlertsError(
                f"exactly one topic must have a name that begins with {TOPIC_PREFIX}, but "
                f"{len(ours)} have ({listed}): name the topic with --topic ARN"
            )
        return cls(client, ours[0])

    def subscriptions(self) -> Sequence[Subscription]:
        """Return all subscriptions, also the unconfirmed ones."""
        pages = self._client.get_paginator("list_subscriptions_by_topic")
        return [
            _subscription(entry)
            for page in pages.paginate(TopicArn=self.arn)
            for entry in page["Subscriptions"]
        ]

    def subscribe(self, address: Address) -> str:
        """Subscribe an address and return the ARN of its subscription.

        A second subscription of the same address changes nothing.
        """
        answer = self._client.subscribe(
            TopicArn=self.arn,
            Protocol=address.protocol,
            Endpoint=address.endpoint,
            ReturnSubscriptionArn=True,
        )
        return str(answer["SubscriptionArn"])

    def unsubscribe(self, arn: str) -> None:
        """End a subscription. Raises AlertsError if the topic has no subscription of this ARN."""
        self.check_subscribed(arn)
        self._client.unsubscribe(SubscriptionArn=arn)

    def check_subscribed(self, arn: str) -> None:
        """Raise AlertsError if the topic has no subscription of this ARN."""
        if arn not in {one.arn for one in self.subscriptions()}:
            raise AlertsError(
                f"the topic has no subscription {arn}: see `receipt-sync alerts list`"
            )

    def has_receiver(self) -> bool:
        """Return whether anybody would receive a message."""
        return any(one.confirmed for one in self.subscriptions())

    def publish_test(self) -> str:
        """Send a test message to all subscribers and return its id."""
        answer = self._client.publish(
            TopicArn=self.arn,
            Subject="receipt-sync: a test",
            Message="This is a test of the alarms of receipt-sync. Nothing is wrong.",
        )
        return str(answer["MessageId"])


def _subscription(entry: Any) -> Subscription:
    arn = entry["SubscriptionArn"]
    return Subscription(
        protocol=entry["Protocol"],
        endpoint=_SECRET.sub(r"\1…\2", entry["Endpoint"]),
        arn=arn,
        confirmed=arn.startswith("arn:"),
    )
