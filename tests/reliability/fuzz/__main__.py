"""Feed a target with odd inputs: python -m tests.reliability.fuzz TARGET."""

import base64
import resource
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer

_MEMORY = 4 * 2**30
_INSTRUMENTED = [
    "receipt_sync",
    "receipt_functions",
    "receipt_index",
    "stream_processor",
    "compactor",
]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    name: Annotated[str, typer.Argument(metavar="TARGET", help="One of targets.py.")],
    inputs: Annotated[int, typer.Option(help="How many.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another seed, other inputs.")] = 1,
    guided: Annotated[bool, typer.Option(help="Let atheris choose by coverage.")] = False,
    data: Annotated[str | None, typer.Option(help="Only this input, in base64.")] = None,
) -> None:
    """Exit status: 0 the contract held, 1 an input broke it.

    Examples:

      python -m tests.reliability.fuzz messages --inputs 100000

      python -m tests.reliability.fuzz deltas --guided --inputs 200000
    """
    if guided:
        _guided(name, inputs, seed)
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    from tests.reliability.fuzz.runner import feed
    from tests.reliability.fuzz.targets import TARGETS

    if data is not None:
        print(TARGETS[name].make()(base64.b64decode(data)))
        return
    begun = time.monotonic()
    fed = feed(TARGETS[name], inputs, seed)
    print(f"{name}: {dict(fed.outcomes)} in {time.monotonic() - begun:.1f} s")
    if fed.failure:
        print(fed.failure)
        raise typer.Exit(1)


def _guided(name: str, inputs: int, seed: int) -> None:
    """Run atheris, which ends the process with 0, or with 77 and the failing input."""
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED):
        from tests.reliability.fuzz.mutation import mutate
        from tests.reliability.fuzz.seeds import seeds_of
        from tests.reliability.fuzz.targets import TARGETS

    target = TARGETS[name]
    check = target.make()

    def change(content: bytes, largest: int, number: int) -> bytes:
        """Mutate half of the inputs as JSON or bytes, and half by the rules of libFuzzer."""
        if number % 2:
            return bytes(atheris.Mutate(content, largest))
        return mutate(content, target.kind, Random(number))[:largest]

    with tempfile.TemporaryDirectory(prefix="fuzz-corpus-") as folder:
        for position, content in enumerate(seeds_of(name)):
            (Path(folder) / f"seed-{position}").write_bytes(content)
        options = [f"-runs={inputs}", f"-seed={seed}", "-max_len=65536", "-rss_limit_mb=4096"]
        arguments: list[Any] = [sys.argv[0], *options, f"-artifact_prefix={folder}/", folder]
        atheris.Setup(
            arguments, lambda content: _check_and_print(check, content), custom_mutator=change
        )
        atheris.Fuzz()


def _check_and_print(check: Any, content: bytes) -> None:
    try:
        check(content)
    except Exception:
        print("input (base64):", base64.b64encode(content).decode(), file=sys.stderr)
        raise


if __name__ == "__main__":
    app()
