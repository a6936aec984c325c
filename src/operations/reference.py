"""Writes docs/cli.md from the commands themselves: `python -m operations.reference > docs/cli.md`.

A test compares the two, so the page can't fall behind.
"""

import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final

import typer

from operations.cli import main
from operations.commands.effects import rows
from operations.exit_codes import MEANINGS

_PROGRAM: Final = "receipt-sync"
_EXAMPLE: Final = "Example: "
_PREFACE: Final = """\
# `receipt-sync`, command by command

Written by `python -m operations.reference`; don't edit it here.

Results go to standard output, progress and errors to standard error. `--json` prints one JSON
document and nothing else. `--dry-run` says what would be written and writes nothing.

Every command works on the AWS that `DYNAMODB_TABLE`, `COMPACTION_QUEUE_URL` and `SNAPSHOT_BUCKET`
name, and on the local AWS that `make up` started where none of them is set. `AWS_ENDPOINT_URL`
names a local AWS elsewhere. Everything else that is deployed is found from those: the dead-letter
queues, both functions with their logs, the event source mappings.

What deletes or overwrites asks on a terminal first. Elsewhere nobody can be asked, so it needs
`--yes`. `receipt-sync --debug COMMAND`, or `RECEIPT_SYNC_DEBUG=1`, prints the traceback of an
error, too, which may hold receipt text. `receipt-sync --version` prints the version and exits.

| exit code | means |
|---|---|
@@CODES@@

Exit code 2 comes with one sentence that says what is wrong and what to do:

| what is wrong | the sentence |
|---|---|
| nothing answers | `nothing answers at http://…: start the local AWS with make up, or mend …` |
| no credentials | `no AWS credentials: log in, or set AWS_PROFILE` |
| expired credentials | `AWS does not accept your credentials (ExpiredToken): log in again` |
| no region | `no AWS region: set AWS_REGION` |
| unknown profile | `The config profile (…) could not be found: set AWS_PROFILE to one that …` |
| the disk is full | `the disk is full: free some space, or set TMPDIR to a folder on a larger …` |
| a folder that is read-only | `… can't be used (Read-only file system): change its permissions …` |
| no such table, bucket or queue | `there is no table …: mend DYNAMODB_TABLE, or create it` |
| denied | `access denied: your credentials lack the permission for …` |
| throttled | `AWS throttled … for longer than was tried: wait, or raise the capacity` |
"""


_EFFECTS: Final = """\
## What each command does to the system

Every command may exit with 0 (done), 2 (failure) and 130 (Ctrl-C); 1 is a verdict. What reads only
holds nothing back and loses nothing when it is ended.

| command | reads | writes | beside the compactor | after Ctrl-C | exit codes |
|---|---|---|---|---|---|"""


def reference() -> str:
    """The page, in Markdown."""
    root: Any = typer.main.get_command(main)
    table = "\n".join([_EFFECTS, *rows(), ""])
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
