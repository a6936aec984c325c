"""`make invoke` runs all of events/ through `sam local invoke`, against a local AWS of its own."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from local.errors import LocalAWSError
from local.invoke.cases import (
    COMPACTOR_CASES,
    EVENTS,
    STREAM_CASES,
    CompactorCase,
    StreamCase,
    event_path,
)
from local.invoke.effects import EffectError, Effects
from local.invoke.engine import HOST, Engine, forwarded
from local.invoke.sam import BUILT, InvocationError, Sam
from local.progress import Progress
from local.running import running

DEFAULT_ENDPOINT: Final = f"http://{HOST}:4566"
"""The endpoint in events/env.json."""

_DONE: Final[dict[str, list[str]]] = {"batchItemFailures": []}


@dataclass(frozen=True)
class Result:
    """The result of one event.

    `fault` says what was wrong with its response or effect, or is None.
    """

    event: str
    function: str
    seconds: float
    fault: str | None


def invoke_all(progress: Progress) -> Iterator[Result]:
    """Invoke the functions with all events in order, and yield each result.

    Raises NoEngineError. Raises LocalAWSError if the packages are not built.
    """
    engine = Engine()
    if not BUILT.exists():
        raise LocalAWSError(f"{BUILT} does not exist: run `make package` first")
    with (
        tempfile.TemporaryDirectory(prefix="receipt-sync-") as scratch,
        _stage(Path(scratch), engine, progress) as (sam, effects),
    ):
        for case in (*STREAM_CASES, *COMPACTOR_CASES):
            yield _invoke(sam, effects, case, progress)


@contextmanager
def _stage(scratch: Path, engine: Engine, progress: Progress) -> Iterator[tuple[Sam, Effects]]:
    with ExitStack() as open_:
        with progress("a local AWS without functions"):
            stack = open_.enter_context(running(scratch / "state", deploy=False))
        port = urlsplit(stack.endpoint).port
        assert port is not None
        variables = scratch / "env.json"
        variables.write_text(environment_for(f"http://{HOST}:{port}"))
        open_.enter_context(forwarded(engine.host_address(), port))
        yield Sam(variables, engine.has_image()), Effects(stack)


def environment_for(endpoint: str) -> str:
    """Return the content of events/env.json for another endpoint."""
    return (EVENTS / "env.json").read_text().replace(DEFAULT_ENDPOINT, endpoint)


def _invoke(
    sam: Sam, effects: Effects, case: StreamCase | CompactorCase, progress: Progress
) -> Result:
    function = "StreamProcessorFunction" if isinstance(case, StreamCase) else "CompactorFunction"
    begun = time.monotonic()
    fault: str | None = None
    try:
        with progress(f"{function} ← events/{case.event}.json"):
            effects.prepare(case)
            answer = sam.invoke(function, event_path(case.event))
            if answer != _DONE:
                raise EffectError(f"the function returned {answer} instead of {_DONE}")
            effects.check(case)
    except (InvocationError, EffectError) as error:
        fault = str(error)
    return Result(case.event, function, round(time.monotonic() - begun, 1), fault)
