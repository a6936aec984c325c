"""`receipt-sync alerts list | subscribe | unsubscribe | test`."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from operations.commands.options import AsJson, DryRun
from operations.confirmation import Yes, confirm
from operations.console import ends_in_a_sentence, output, print_json
from operations.deployment.alerts import Subscription, Topic, address_of
from operations.environment import connection_of_process
from operations.exit_codes import ExitCode
from operations.failures import explained

alerts = typer.Typer(no_args_is_help=True, help="Decide who is told of an alarm.")
TopicArn = Annotated[
    str | None, typer.Option("--topic", help="ARN; receipt-sync-alarms-… if there is one only.")
]


@alerts.command("list")
@ends_in_a_sentence
def list_command(topic: TopicArn = None, as_json: AsJson = False) -> None:
    """List who is told. Who has not confirmed yet is told nothing.

    Exit code 0: somebody is told. 1: nobody is.

    Example: receipt-sync alerts list
    """
    connection = connection_of_process()
    with explained(connection):
        found = list(Topic.found(connection.sns, topic).subscriptions())
    if as_json:
        print_json({"subscriptions": [one._asdict() for one in found]})
    else:
        _show(found)
    if not any(one.confirmed for one in found):
        raise typer.Exit(ExitCode.VERDICT)


@alerts.command("subscribe")
@ends_in_a_sentence
def subscribe_command(
    email: Annotated[str | None, typer.Option(help="An address; it must confirm.")] = None,
    pagerduty: Annotated[
        str | None, typer.Option(help="Endpoint of a service's CloudWatch integration.")
    ] = None,
    topic: TopicArn = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Tell somebody of every alarm from now on, by e-mail or through PagerDuty.

    What should outlive the next `terraform apply` unchanged belongs into its variables
    alarm_emails and pagerduty_endpoint; a subscription made here is not touched by it.

    Example: receipt-sync alerts subscribe --email on-call@example.com

    Example: receipt-sync alerts subscribe --pagerduty https://events.pagerduty.com/integration/KEY/enqueue
    """
    address = address_of(email, pagerduty)
    connection = connection_of_process()
    with explained(connection):
        found = Topic.found(connection.sns, topic)
        arn = None if dry_run else found.subscribe(address)
    if as_json:
        print_json({"topic": found.arn, "subscription": arn, "dry_run": dry_run})
    else:
        verb = "would subscribe" if dry_run else "subscribed"
        hint = "" if dry_run or email is None else ": confirm by the link that SNS has sent"
        output().print(f"{verb} to {found.arn} by {address.protocol}{hint}", soft_wrap=True)


@alerts.command("unsubscribe")
@ends_in_a_sentence
def unsubscribe_command(
    subscription: Annotated[str, typer.Argument(metavar="ARN", help="As `alerts list` has it.")],
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
        found = Topic.found(connection.sns, topic)
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
    """Send every subscriber a message that says that it is a test.

    Example: receipt-sync alerts test
    """
    connection = connection_of_process()
    with explained(connection):
        found = Topic.found(connection.sns, topic)
        message_id = None if dry_run else found.publish_test()
    if as_json:
        print_json({"topic": found.arn, "message_id": message_id, "dry_run": dry_run})
    else:
        output().print(f"{'would send' if dry_run else 'sent'} a test to {found.arn}")


def _show(found: list[Subscription]) -> None:
    if not found:
        output().print("nobody is told")
        return
    table = Table(title="who is told of an alarm", title_justify="left")
    for name in ("by", "where", "confirmed", "subscription"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(one.protocol, escape(one.endpoint), "yes" if one.confirmed else "no", one.arn)
    output().print(table)
