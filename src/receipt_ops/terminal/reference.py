"""The generator of docs/cli.md: `python -m receipt_ops.terminal.reference > docs/cli.md`.

It reads the commands themselves, and a test compares the page with its output.
"""

import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final

import typer

from receipt_ops.terminal.cli import main
from receipt_ops.terminal.command_table import EFFECTS
from receipt_ops.terminal.effects import rows
from receipt_ops.terminal.exit_codes import MEANINGS

_PROGRAM: Final = "receipt-sync"
_EXAMPLE: Final = "Example: "
_PREFACE: Final = """\
# `receipt-sync`, command by command

`python -m receipt_ops.terminal.reference` generates this page. Do not edit it.

Results go to standard output, progress and errors to standard error. `--json` prints one JSON
document and nothing else. `--dry-run` prints what the command would write, and writes nothing.

`DYNAMODB_TABLE`, `COMPACTION_QUEUE_URL` and `SNAPSHOT_BUCKET` name the AWS system that every
command works on. If none of them is set, commands use the local AWS that `make up` started.
`AWS_ENDPOINT_URL` names a local AWS elsewhere. The commands find all other parts from these names:
the dead-letter queues, both functions with their logs, and the event source mappings.

On a terminal, a command that deletes or overwrites asks for a confirmation. Without a terminal, it
needs `--yes`. `modify-test-receipts --delete` does not ask, because it deletes only receipts that
`create-test-receipts` makes again.

`receipt-sync --debug COMMAND`, or `RECEIPT_SYNC_DEBUG=1`, also prints the traceback of an error. A
traceback may hold receipt text. `receipt-sync --version` prints the version and exits.

| exit code | means |
|---|---|
@@CODES@@

Exit code 2 comes with one sentence that says what is wrong and what to do. There is no sentence if
the reader of the output closed the pipe, as in `receipt-sync status | head -1`:

| what is wrong | the sentence |
|---|---|
| nothing answers | `nothing answers at http://…: start the local AWS with make up, or correct …` |
| no credentials | `no AWS credentials: log in, or set AWS_PROFILE` |
| expired credentials | `AWS does not accept your credentials (ExpiredToken): log in again` |
| no region | `no AWS region: set AWS_REGION` |
| malformed region | `… is not the name of an AWS region: set AWS_REGION to one, such as …` |
| unknown profile | `The config profile (…) could not be found: set AWS_PROFILE to a profile of …` |
| the disk is full | `the disk is full: free some space, or set TMPDIR to a folder on a larger …` |
| the output is full | `the output can't be written: No space left on device` |
| no writable temporary folder | `there is no writable folder for temporary files …` |
| a folder that is read-only | `… can't be used (Read-only file system): change its permissions …` |
| no such table, bucket or queue | `there is no table …: correct DYNAMODB_TABLE, or create …` |
| denied | `AWS denied access, because your credentials lack the permission for …` |
| throttled | `AWS throttled every try of …: wait and run it again, or raise the capacity` |
"""


_EFFECTS: Final = """\
## What each command does to the system

Every command may exit with 0 (done), 2 (failure) and 130 (Ctrl-C). Exit code 1 is a verdict. An
operator can end a command that only reads at any time, without any effect on the system.

| command | reads | writes | beside the compactor | after Ctrl-C | exit codes |
|---|---|---|---|---|---|"""


def reference() -> str:
    """Return the page in Markdown."""
    root: Any = typer.main.get_command(main)
    table = "\n".join([_EFFECTS, *rows(EFFECTS), ""])
    codes = "\n".join(f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items())
    return (
        "\n".join(
            [_PREFACE.replace("@@CODES@@", codes), table, *_sections(root, _PROGRAM)]
        ).rstrip()
        + "\n"
    )


def _sections(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _sections(command, f"{path} {name}")
        else:
            yield _section(command, f"{path} {name}")


def _section(command: Any, path: str) -> str:
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    examples = [p.removeprefix(_EXAMPLE) for p in paragraphs if p.startswith(_EXAMPLE)]
    text = [paragraph for paragraph in paragraphs if not paragraph.startswith(_EXAMPLE)]
    commands = "\n".join(examples)
    return (
        "\n\n".join([f"## `{path}`", *text, _parameters(command), f"```sh\n{commands}\n```"]) + "\n"
    )


def _parameters(command: Any) -> str:
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    return "\n".join(["| | default | |", "|---|---|---|", *rows])


def _row(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    is_argument = parameter.param_type_name == "argument"
    shown = parameter.metavar or parameter.name.upper() if is_argument else " / ".join(names)
    help_text = " ".join((parameter.help or "").split()).replace("|", "\\|")
    return f"| `{shown}` | {_default(parameter)} | {help_text} |"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default is None or parameter.default is False or parameter.default == ():
        return ""
    return f"`{getattr(parameter.default, 'value', parameter.default)}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
