"""The command `receipt-sync check-config`."""

import typer
from rich.markup import escape
from rich.table import Table

from receipt_ops.commands.options import AsJson
from receipt_ops.deployment.config_check import Check, checks
from receipt_ops.deployment.config_tasks import facts_of
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.environment import connection_of_process
from receipt_ops.snapshots.wiring import present_versions
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained


@ends_in_a_sentence
def check_config_command(as_json: AsJson = False) -> None:
    """Check that the deployed timeouts, retentions and leases fit each other.

    Each rule concerns settings of two services, so neither service refuses a wrong value.

    Exit code 0: all rules hold. 1: some rules are broken.

    Example: receipt-sync check-config

    Example: receipt-sync check-config --json | jq '.checks[] | select(.ok | not)'
    """
    connection = connection_of_process()
    with explained(connection):
        found = checks(facts_of(Deployment(connection), present_versions(connection)))
    if as_json:
        print_json({"ok": all(c.ok for c in found), "checks": [c.to_json() for c in found]})
    else:
        _print(found)
    if not all(check.ok for check in found):
        raise typer.Exit(ExitCode.VERDICT)


def _print(found: list[Check]) -> None:
    table = Table(title="settings that must fit each other", title_justify="left")
    for name in ("", "rule", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for check in found:
        table.add_row(
            "[green]holds[/green]" if check.ok else "[red]broken[/red]",
            escape(check.rule),
            escape(check.found),
            "" if check.ok else escape(check.remedy),
        )
    output().print(table)
