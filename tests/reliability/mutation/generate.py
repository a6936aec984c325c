"""Prints a sample of the mutants of some files and folders as JSON.

    .venv/lint/bin/python -m tests.reliability.mutation.generate --count 300 --seed 1 src/compactor

The module runs in the environment of the tools, because only that environment has cosmic-ray. The
same code and seed give the same sample, and a larger sample contains the smaller one.
"""

import argparse
import ast
import difflib
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.reliability.mutation.operators import operators


@dataclass(frozen=True)
class Place:
    """A place at which an operator can change a file, and the name of the changed definition."""

    path: str
    operator: str
    occurrence: int
    definition: str
    first_line: int
    last_line: int


def places(path: Path) -> Iterator[Place]:
    """Yield each place at which an operator can change the code of a file that runs."""
    tree = get_ast(path.read_text())
    nodes = list(ast_nodes(tree))
    for name, operator in operators().items():
        found = ((node, span) for node in nodes for span in operator.mutation_positions(node))
        for occurrence, (node, (begin, end)) in enumerate(found):
            if _runs(node):
                yield Place(str(path), name, occurrence, _definition(node), begin[0], end[0])


def _runs(node: Any) -> bool:
    """Return whether code runs: protocols and imports for the type checker do not."""
    return not any(
        (parent.type == "classdef" and "Protocol" in _bases(parent))
        or (parent.type == "if_stmt" and parent.children[1].get_code().strip() == "TYPE_CHECKING")
        for parent in [node, *_parents(node)]
    )


def _bases(node: Any) -> str:
    bases = node.get_super_arglist()
    return bases.get_code() if bases else ""


def _definition(node: Any) -> str:
    """Return the names of the classes and functions around a node, as `Class.method`."""
    around = [node, *_parents(node)]
    names = [each.name.value for each in around if each.type in ("classdef", "funcdef")]
    return ".".join(reversed(names))


def _parents(node: Any) -> Iterator[Any]:
    while node.parent is not None:
        node = node.parent
        yield node


def mutant(place: Place) -> dict[str, Any] | None:
    """Return a mutant with its code, or None if the change makes no other program."""
    source = Path(place.path).read_text()
    code = mutate_code(source, operators()[place.operator], place.occurrence)
    if code is None or not _differs(source, code):
        return None
    before, after = _changed(source, code)
    return {**asdict(place), "before": before, "after": after, "code": code}


def _differs(source: str, code: str) -> bool:
    try:
        return ast.dump(ast.parse(code)) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def _changed(source: str, code: str) -> tuple[str, str]:
    """Return the changed lines of both texts, each in one line."""
    lines = list(difflib.ndiff(source.splitlines(), code.splitlines()))
    before, after = (
        " ".join(line[2:].strip() for line in lines if line.startswith(mark)) for mark in "-+"
    )
    return before, after


def sample(paths: Sequence[Path], count: int, seed: int) -> tuple[list[dict[str, Any]], int]:
    """Return `count` mutants in the order that the seed decides, and the number of all places.

    Two operators can make the same program. It counts once.
    """
    files = sorted(file for path in paths for file in ([path] if path.is_file() else _files(path)))
    population = [place for file in files for place in places(file)]
    order = random.Random(seed).sample(population, len(population))
    made: dict[str, dict[str, Any]] = {}
    for place in order:
        if len(made) == count:
            break
        if found := mutant(place):
            made.setdefault(found["path"] + found["code"], found)
    return list(made.values()), len(population)


def _files(folder: Path) -> list[Path]:
    return list(folder.rglob("*.py"))


def main() -> None:
    """Print the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    asked = parser.parse_args()
    mutants, population = sample(asked.paths, asked.count, asked.seed)
    json.dump({"population": population, "mutants": mutants}, sys.stdout)


if __name__ == "__main__":
    main()
