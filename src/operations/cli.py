"""The operator's command line, `receipt-sync`."""

from typing import Annotated

import typer

from operations.commands.alerts import alerts
from operations.commands.backfill import backfill_command
from operations.commands.check_config import check_config_command
from operations.commands.compare import compare_command
from operations.commands.cost import cost_command
from operations.commands.dlq import dlq
from operations.commands.flags import flags
from operations.commands.latency import latency_command
from operations.commands.load import load_command
from operations.commands.lock import lock
from operations.commands.logs import logs_command
from operations.commands.repair import repair_command
from operations.commands.replay import replay_command
from operations.commands.search import search_command
from operations.commands.smoke import smoke_command
from operations.commands.snapshot import snapshot
from operations.commands.stale import stale_command
from operations.commands.status import status_command
from operations.commands.stress import stress_command
from operations.commands.trace import trace_command
from operations.commands.trial_receipts import create_command, modify_command
from operations.commands.verify import verify_command
from operations.console import DEBUG, take_any_text
from operations.signals import end_in_order

main = typer.Typer(
    name="receipt-sync",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,  # locals hold receipt text
)


@main.callback()
def options(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            envvar="RECEIPT_SYNC_DEBUG",
            help="Print the traceback of an error, too. It may hold receipt text.",
        ),
    ] = False,
) -> None:
    """Load receipts, search them, and prove that Chroma holds what DynamoDB says.

    Works on the AWS that DYNAMODB_TABLE, COMPACTION_QUEUE_URL and SNAPSHOT_BUCKET name (and
    AWS_ENDPOINT_URL, for a local one), or else on the local AWS that `make up` started.
    """
    DEBUG.set(debug)
    end_in_order()
    take_any_text()


main.command("load")(load_command)
main.command("search")(search_command)
main.command("status")(status_command)
main.command("verify")(verify_command)
main.command("repair")(repair_command)
main.command("compare")(compare_command)
main.command("stale")(stale_command)
main.command("trace")(trace_command)
main.command("logs")(logs_command)
main.add_typer(dlq, name="dlq")
main.command("replay")(replay_command)
main.command("backfill")(backfill_command)
main.add_typer(lock, name="lock")
main.add_typer(snapshot, name="snapshot")
main.add_typer(flags, name="flags")
main.command("check-config")(check_config_command)
main.add_typer(alerts, name="alerts")
main.command("cost")(cost_command)
main.command("smoke")(smoke_command)
main.command("latency")(latency_command)
main.command("stress")(stress_command)
main.command("create-test-receipts")(create_command)
main.command("modify-test-receipts")(modify_command)
