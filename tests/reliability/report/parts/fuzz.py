"""The part of the proof that feeds bad input to every parser and handler."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.reliability.fuzz.targets import TARGETS
from tests.reliability.report.parts.commands import run
from tests.reliability.report.parts.part import Part
from tests.reliability.report.results import Row


def _fuzz(quick: bool) -> list[Row]:
    """Feed mutated bytes, at random and guided by coverage."""
    inputs = 500 if quick else 14_000
    runs = [(name, guided) for name in TARGETS for guided in (False, True)]
    with ThreadPoolExecutor(2) as pool:
        broken = [
            what for what in pool.map(lambda each: _broken(each[0], each[1], inputs), runs) if what
        ]
    command = f"python -m tests.reliability.fuzz TARGET [--guided] --inputs {inputs}"
    fed, note = len(runs) * inputs, f"{len(TARGETS)} targets"
    if broken:
        note += f"; broken: {', '.join(broken)}"
    return [Row("bad input", fed, fed, len(broken), command, note)]


def _broken(name: str, guided: bool, inputs: int) -> str | None:
    """Return the arguments that repeat the failure, or None if the contract held."""
    shown = (name, "--guided") if guided else (name,)
    done = run(("-m", "tests.reliability.fuzz", *shown, "--inputs", str(inputs)))
    return " ".join(shown) if done.returncode != 0 else None


FUZZ: Final = Part("fuzz", _fuzz, ("tests/reliability/fuzz",), ("bad input",))
