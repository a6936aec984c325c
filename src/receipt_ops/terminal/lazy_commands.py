"""Commands whose modules are imported when they are called, not when the command line starts.

Most commands import Chroma, NumPy and the AWS SDK, which takes up to two seconds of CPU time. The
pattern is LazyGroup of Click's documentation, with one difference: help and completion use declared
summaries, so they import no command.
https://click.palletsprojects.com/en/stable/complex/#defining-the-lazy-group
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar, NamedTuple, TypeAlias, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from receipt_ops.terminal.process import CALLED
from receipt_ops.terminal.signals import ending_at_once

Command: TypeAlias = TyperCommand | TyperGroup


class Declared(NamedTuple):
    """Declares where a command or a group is, and its line in the list of commands."""

    target: str
    """Module and attribute, with a colon between them. A function, or a Typer for a group."""
    summary: str
    """The first paragraph of its help. A test compares the two."""


class LazyCommands(Mapping[str, Command]):
    """Maps names to commands. A look-up imports the command's module; a list of names does not."""

    def __init__(self, declared: Mapping[str, Declared], markup: Any) -> None:
        self._declared, self._markup = declared, markup
        self._imported: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._imported:
            self._imported[name] = _import(name, self._declared[name].target, self._markup)
        return self._imported[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)


class LazyGroup(TyperGroup):
    """A group of declared commands. A subclass declares them."""

    declared: ClassVar[Mapping[str, Declared]] = {}

    def __init__(self, *, commands: Any = None, **settings: Any) -> None:
        super().__init__(commands=commands, **settings)
        # TyperGroup only reads the commands, so a Mapping is enough.
        self.commands = cast(Any, LazyCommands(self.declared, self.rich_markup_mode))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 the base class names it
        """Return the names in the order of the declarations."""
        return list(self.declared)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        """Return a command that has only a name and a summary, for help and completion."""
        if cmd_name not in self.declared:
            return None
        return TyperCommand(cmd_name, help=self.declared[cmd_name].summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the imported command and the other arguments of a call."""
        name, found, rest = super().resolve_command(ctx, args)
        if found is not None:
            CALLED.set(True)
        return name, found and self.commands[found.name or ""], rest


def _import(name: str, target: str, markup: Any) -> Command:
    module, _, attribute = target.partition(":")
    with ending_at_once():
        # Import this here, because only a call of a command needs it, and not the list of commands.
        from receipt_ops.terminal.console import ends_in_a_sentence

        # The X-Ray SDK makes a botocore client when it is imported. So an unknown profile, or a
        # configuration file that cannot be read, fails here.
        found = getattr(ends_in_a_sentence(import_module)(module), attribute)
    program = typer.Typer(rich_markup_mode=markup)
    if isinstance(found, typer.Typer):
        program.add_typer(found, name=name)
    else:
        program.command(name)(found)
    return cast(Command, get_group(program).commands[name])
