"""Who is told of an alarm: the subscriptions of the alarms' SNS topic."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from operations.errors import OperationError

TOPIC_PREFIX: Final = "receipt-sync-alarms-"
"""What Terraform calls the topic, before the environment."""
# https://www.pagerduty.com/docs/guides/aws-cloudwatch-integration-guide/
_PAGERDUTY: Final = re.compile(
    r"https://events(\.eu)?\.pagerduty\.com/integration/[A-Za-z0-9]{20,64}/enqueue"
)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_SECRET: Final = re.compile(r"(/integration/)[^/]+(/)")


class AlertsError(OperationError):
    """The topic or an address can't be used."""


class Subscription(NamedTuple):
    """Who is told. An unconfirmed one is told nothing yet. The PagerDuty key is masked."""

    protocol: str
    endpoint: str
    arn: str
    confirmed: bool


class Address(NamedTuple):
    """Where to tell somebody, in SNS's words."""

    protocol: str
    endpoint: str


def address_of(email: str | None, pagerduty: str | None) -> Address:
    """Exactly one of the two. Raises AlertsError."""
    if (email is None) == (pagerduty is None):
        raise AlertsError("give either --email or --pagerduty")
    if email is not None:
        if not _EMAIL.fullmatch(email):
            raise AlertsError(f"{email!r} is no e-mail address")
        return Address("email", email)
    if not _PAGERDUTY.fullmatch(pagerduty or ""):
        raise AlertsError(
            "a PagerDuty endpoint is https://events.pagerduty.com/integration/KEY/enqueue, where "
            "KEY is that of the service's Amazon CloudWatch integration"
        )
    return Address("https", str(pagerduty))


class Topic:
    """The alarms' topic."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self.arn = client, arn

    @classmethod
    def found(cls, client: Any, arn: str | None) -> "Topic":
        """The one that is named, or the only one of its kind. Raises AlertsError."""
        if arn is not None:
            return cls(client, arn)
        pages = client.get_paginator("list_topics").paginate()
        arns = [topic["TopicArn"] for page in pages for topic in page["Topics"]]
        ours = [one for one in arns if one.rsplit(":", 1)[1].startswith(TOPIC_PREFIX)]
        if len(ours) != 1:
            listed = ", ".join(sorted(ours)) or "none"
            raise AlertsError(
                f"which topic is meant can't be told ({listed} called {TOPIC_PREFIX}…): name it "
                "with --topic ARN"
            )
        return cls(client, ours[0])

    def subscriptions(self) -> Sequence[Subscription]:
        """All of them, confirmed or not."""
        pages = self._client.get_paginator("list_subscriptions_by_topic")
        return [
            _subscription(entry)
            for page in pages.paginate(TopicArn=self.arn)
            for entry in page["Subscriptions"]
        ]

    def subscribe(self, address: Address) -> str:
        """Subscribe an address; its ARN. Twice is once."""
        answer = self._client.subscribe(
            TopicArn=self.arn,
            Protocol=address.protocol,
            Endpoint=address.endpoint,
            ReturnSubscriptionArn=True,
        )
        return str(answer["SubscriptionArn"])

    def unsubscribe(self, arn: str) -> None:
        """End a subscription. Raises AlertsError if the topic has none of this ARN."""
        self.check_subscribed(arn)
        self._client.unsubscribe(SubscriptionArn=arn)

    def check_subscribed(self, arn: str) -> None:
        """Raise AlertsError if the topic has no subscription of this ARN."""
        if arn not in {one.arn for one in self.subscriptions()}:
            raise AlertsError(
                f"the topic has no subscription {arn}: see `receipt-sync alerts list`"
            )

    def publish_test(self) -> str:
        """Tell all subscribers that this is a test; the message's id."""
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
