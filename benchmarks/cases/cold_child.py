"""Times a cold start from inside. A package's own Python runs it, without this environment.

Arguments: the modules to import. Standard input: an event for the first module's lambda_handler,
or nothing. Standard output: the function's log, then one line of JSON with seconds.
"""

import importlib
import json
import sys
import time


class Context:
    """The parts of Lambda's context that the handlers use."""

    aws_request_id = "cold"
    function_name = memory_limit_in_mb = invoked_function_arn = "cold"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def main() -> None:
    """Import the modules, handle the event, and print the seconds of both."""
    begun = time.perf_counter()
    modules = [importlib.import_module(name) for name in sys.argv[1:]]
    imported = time.perf_counter()
    event = json.loads(sys.stdin.read() or "null")
    answer = modules[0].lambda_handler(event, Context()) if event else None
    done = time.perf_counter()
    print(json.dumps({"import": imported - begun, "first": done - imported, "answer": answer}))


if __name__ == "__main__":
    main()
