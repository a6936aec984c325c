"""Runs the parts of the proof in sequence. Parts that mostly wait run at the same time."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from tests.reliability.report.parts.commands import PartFailedError
from tests.reliability.report.parts.part import Part
from tests.reliability.report.results import Result

Found = Result | PartFailedError


def in_stages(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Yield the parts in their order. Neighbours with the same `beside` form one stage."""
    for beside, neighbours in groupby(parts, key=lambda part: part.beside):
        if beside:
            yield list(neighbours)
        else:
            yield from ([part] for part in neighbours)


def result_of(stage: Sequence[Part], *, quick: bool) -> Iterator[tuple[Part, Found]]:
    """Run the parts of a stage at the same time, and yield the result or the error of each."""
    with ThreadPoolExecutor(len(stage)) as pool:
        yield from zip(stage, pool.map(lambda part: _run(part, quick=quick), stage), strict=True)


def _run(part: Part, *, quick: bool) -> Found:
    begun = time.monotonic()
    try:
        rows = part.checked(quick=quick)
    except PartFailedError as error:
        return error
    seconds = round(time.monotonic() - begun, 1)
    return Result(part.name, rows, quick, part.code, seconds)
