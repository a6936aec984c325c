"""The commands `receipt-sync alerts list | subscribe | unsubscribe | test`."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.deployment.alerts import Subscription, address_of
from receipt_ops.deployment.sns_topic import topic_of
from receipt_ops.environment import connection_of_process
from receipt_ops.terminal.confirmation import Yes, confirm
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained

alerts = typer.Typer(no_args_is_help=True, help="Manage the receivers of alarms.")
TopicArn = Annotated[
    str | None,
    typer.Option("--topic", help="ARN of the topic; by default the only receipt-sync-alarms-…."),
]


@alerts.command("list")
@ends_in_a_sentence
def list_command(topic: TopicArn = None, as_json: AsJson = False) -> None:
    """List the receivers of alarms. SNS sends nothing to a receiver before it has confirmed.

    Exit code 0: there is a confirmed receiver. 1: there is none.

    Example: receipt-sync alerts list
    """
    connection = connection_of_process()
    with explained(connection):
        found = list(topic_of(connection.sns, topic).subscriptions())
    if as_json:
        print_json({"subscriptions": [one._asdict() for one in found]})
    else:
        _show(found)
    if not any(one.confirmed for one in found):
        raise typer.Exit(ExitCode.VERDICT)


@alerts.command("subscribe")
@ends_in_a_sentence
def subscribe_command(
    email: Annotated[
        str | None, typer.Option(help="E-mail address. Its owner must confirm.")
    ] = None,
    pagerduty: Annotated[
        str | None, typer.Option(help="Endpoint of a PagerDuty service's CloudWatch integration.")
    ] = None,
    topic: TopicArn = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Subscribe a receiver to all alarms, by e-mail or through PagerDuty.

    `terraform apply` does not change a subscription of this command. To manage receivers with
    Terraform, use its variables alarm_emails and pagerduty_endpoint.

    Example: receipt-sync alerts subscribe --email on-call@example.com

    Example: receipt-sync alerts subscribe --pagerduty https://events.pagerduty.com/integration/KEY/enqueue
    """
    address = address_of(email, pagerduty)
    connection = connection_of_process()
    with explained(connection):
        found = topic_of(connection.sns, topic)
        arn = None if dry_run else found.subscribe(address)
    if as_json:
        print_json({"topic": found.arn, "subscription": arn, "dry_run": dry_run})
    else:
        verb = "would subscribe" if dry_run else "subscribed"
        hint = "" if dry_run or email is None else ": confirm it with the link that SNS has sent"
        output().print(f"{verb} to {found.arn} by {address.protocol}{hint}", soft_wrap=True)


@alerts.command("unsubscribe")
@ends_in_a_sentence
def unsubscribe_command(
    subscription: Annotated[
        str, typer.Argument(metavar="ARN", help="The subscription, as `alerts list` prints it.")
    ],
    topic: TopicArn = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """End a subscription.

    Example: receipt-sync alerts unsubscribe arn:aws:sns:eu-west-1:1111:receipt-sync-alarms-dev:5a
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this ends the subscription {subscription}", yes=yes)
    with explained(connection):
        found = topic_of(connection.sns, topic)
        if dry_run:
            found.check_subscribed(subscription)
        else:
            found.unsubscribe(subscription)
    if as_json:
        print_json({"topic": found.arn, "subscription": subscription, "dry_run": dry_run})
    else:
        output().print("would unsubscribe" if dry_run else "unsubscribed")


@alerts.command("test")
@ends_in_a_sentence
def try_command(topic: TopicArn = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Send a test message to every receiver.

    Exit code 0: sent. 1: no receiver is confirmed, so nothing was sent.

    Example: receipt-sync alerts test
    """
    connection = connection_of_process()
    with explained(connection):
        found = topic_of(connection.sns, topic)
        is_received = found.has_receiver()
        message_id = None if dry_run or not is_received else found.publish_test()
    if as_json:
        print_json({"topic": found.arn, "message_id": message_id, "dry_run": dry_run})
    elif is_received:
        output().print(f"{'would send' if dry_run else 'sent'} a test to {found.arn}")
    if not is_received:
        notes().print(
            "no receiver of alarms is confirmed, so nothing is sent: add one with `receipt-sync "
            "alerts subscribe`, or follow the link that SNS has sent",
            soft_wrap=True,
        )
        raise typer.Exit(ExitCode.VERDICT)


def _show(found: list[Subscription]) -> None:
    if not found:
        output().print("there are no receivers of alarms: add one with `alerts subscribe`")
        return
    table = Table(title="receivers of alarms", title_justify="left")
    for name in ("protocol", "endpoint", "confirmed", "subscription"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(one.protocol, escape(one.endpoint), "yes" if one.confirmed else "no", one.arn)
    output().print(table)
