"""The operator's command line, `receipt-sync`."""

import typer

from operations.commands.load import load_command
from operations.commands.search import search_command
from operations.commands.verify import verify_command

main = typer.Typer(
    name="receipt-sync",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,  # locals hold receipt text
    help="""Load receipts, search them, and prove that Chroma holds what DynamoDB says.

    Works on the AWS that DYNAMODB_TABLE, COMPACTION_QUEUE_URL and SNAPSHOT_BUCKET name (and
    AWS_ENDPOINT_URL, for a local one), or else on the local AWS that `make up` started.
    """,
)
main.command("load")(load_command)
main.command("verify")(verify_command)
main.command("search")(search_command)
