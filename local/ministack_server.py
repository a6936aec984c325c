"""Runs MiniStack with one thing put right: a stream's batchItemFailures count.

MiniStack 1.5.33 passes over a whole stream batch once its function returns, whatever the answer
says, so records that the function reports as failed would be lost. Here such a batch fails, is
retried whole after a second, and goes to the failure destination once it is too old. (AWS retries
from the lowest failed sequence number; what comes again before it is a repetition, which a
consumer of a stream must bear anyway.)
"""

import importlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Final

TIED_TO: Final = "RECEIPT_SYNC_TIED_TO"
"""Environment variable: id of the process with which this one ends."""

Execute = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


def mend(lambda_service: Any) -> None:
    """Make the stream poller of MiniStack's Lambda module obey batchItemFailures.

    Raises AttributeError where MiniStack no longer has the functions in question.
    """
    polling = threading.local()
    execute: Execute = lambda_service._execute_function
    poll: Callable[[], bool] = lambda_service._poll_dynamodb_streams

    def poll_streams() -> bool:
        polling.streams = True
        try:
            return poll()
        finally:
            polling.streams = False

    def execute_function(function: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        result = execute(function, event)
        if getattr(polling, "streams", False) and reports_failures(result.get("body")):
            return {**result, "error": True}
        return result

    lambda_service._poll_dynamodb_streams = poll_streams
    lambda_service._execute_function = execute_function


def reports_failures(body: Any) -> bool:
    """Whether a function's answer, as an object or as JSON, names batch item failures."""
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return False
    return isinstance(body, dict) and bool(body.get("batchItemFailures"))


def end_with_parent(parent: int, interval: float = 1.0) -> None:
    """Watch, in a thread, for the end of the process `parent`; then end the whole group."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(interval)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


if __name__ == "__main__":
    if TIED_TO in os.environ:
        end_with_parent(int(os.environ.pop(TIED_TO)))
    mend(importlib.import_module("ministack.services.lambda_svc"))
    importlib.import_module("ministack.app").main()
