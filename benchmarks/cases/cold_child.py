"""Run by a package's own Python, with nothing but the package: times a cold start from inside.

Arguments: the module to import. Standard input: an event for its lambda_handler, or nothing.
Standard output: what the function logs, then one line of JSON, all in seconds.
"""

import importlib
import json
import sys
import time


class Context:
    """What the handlers ask of Lambda's context."""

    aws_request_id = "cold"
    function_name = memory_limit_in_mb = invoked_function_arn = "cold"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def main() -> None:
    begun = time.perf_counter()
    modules = [importlib.import_module(name) for name in sys.argv[1:]]
    imported = time.perf_counter()
    event = json.loads(sys.stdin.read() or "null")
    answer = modules[0].lambda_handler(event, Context()) if event else None
    done = time.perf_counter()
    print(json.dumps({"import": imported - begun, "first": done - imported, "answer": answer}))


if __name__ == "__main__":
    main()
