"""How much CPU time `receipt-sync` takes to start, and which modules it imports for it.

CPU time, not wall clock: other processes of the machine change it little.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.measured

MOST_CPU_SECONDS = 0.8
"""The goal is 0.5 s on a quiet machine; the rest is for noise. All modules took 1.6 s to 2.4 s."""
HEAVY = {"aws_lambda_powertools", "aws_xray_sdk", "chromadb", "numpy", "pydantic_settings"}
RUN = """
import json, sys
from receipt_ops.start import main
sys.argv[0] = "receipt-sync"
try:
    main()
finally:
    print(json.dumps(list(sys.modules)), file=sys.stderr)
"""
ANSWERS = {
    "AmazonSQS.GetQueueAttributes": {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:0:q"}},
    "DynamoDB_20120810.GetItem": {
        "Item": {
            "owner": {"S": "worker-1"},
            "expires_at": {"N": "4102444800000"},
            "heartbeat": {"S": "2026-01-01T00:00:00+00:00"},
        }
    },
    "event-source-mappings": {
        "EventSourceMappings": [
            {
                "UUID": "u",
                "FunctionArn": "arn:aws:lambda:us-east-1:0:function:c",
                "State": "Enabled",
            }
        ]
    },
    "functions": {"FunctionName": "c", "Timeout": 900},
}
"""By the request's target, or by the kind of resource that its path names."""


class Answering(BaseHTTPRequestHandler):
    """The least of SQS, Lambda and DynamoDB that `lock show` needs."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.headers["X-Amz-Target"])

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).path.split("/")[2])

    def _answer(self, call: str) -> None:
        body = json.dumps(ANSWERS[call]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment that names a table, a queue and a bucket of a server that answers.

    The first command compiles all modules into a folder of the test, as an installation does.
    Without it, an environment that has no bytecode would compile them at each start.
    """
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode"))}
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        yield {
            **inherited,
            **compiled,
            "AWS_ENDPOINT_URL": endpoint,
            "COMPACTION_QUEUE_URL": f"{endpoint}/0/q",
            "DYNAMODB_TABLE": "t",
            "SNAPSHOT_BUCKET": "b",
        }
        server.shutdown()


def command(line: str) -> list[str]:
    return [sys.executable, "-c", RUN, *line.split()]


def cpu_seconds(line: str, environment: dict[str, str]) -> float:
    process = subprocess.Popen(
        command(line), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def modules_and_output(line: str, environment: dict[str, str]) -> tuple[set[str], str]:
    ended = subprocess.run(
        command(line), env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(ended.stderr.splitlines()[-1])), ended.stdout


LINES = ["--version", "--help", "lock show --help", "lock show"]


@pytest.mark.parametrize("line", LINES)
def test_a_command_starts_within_its_cpu_time(line: str, environment: dict[str, str]) -> None:
    assert min(cpu_seconds(line, environment) for _ in range(3)) <= MOST_CPU_SECONDS


@pytest.mark.parametrize("line", LINES)
def test_no_heavy_module_is_imported(line: str, environment: dict[str, str]) -> None:
    modules, _ = modules_and_output(line, environment)
    assert HEAVY & modules == set()


def test_lock_show_asked_the_server(environment: dict[str, str]) -> None:
    """So the tests above cover the whole command."""
    assert "worker-1" in modules_and_output("lock show", environment)[1]


@pytest.mark.parametrize("line", ["--version", "--help"])
def test_no_command_is_imported(line: str, environment: dict[str, str]) -> None:
    modules, _ = modules_and_output(line, environment)
    assert [name for name in sorted(modules) if name.startswith("receipt_ops.commands.")] == []


@pytest.mark.parametrize("line", ["--version", "--help", "lock show --help"])
def test_the_aws_sdk_is_not_imported(line: str, environment: dict[str, str]) -> None:
    modules, _ = modules_and_output(line, environment)
    assert {"boto3", "botocore.session", "localstack_client"} & modules == set()


@pytest.mark.parametrize("line", LINES)
def test_output_that_can_not_be_written_is_one_sentence(
    line: str, environment: dict[str, str]
) -> None:
    run = [sys.executable, "-c", "from receipt_ops.start import main; main()", *line.split()]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            run, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith("receipt-sync: ")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("module", ["typer", "rich", "localstack_client"])
def test_without_the_extra_the_command_says_what_to_install(module: str) -> None:
    program = (
        "import sys; from receipt_ops import start; "
        f"start.find_spec = lambda name: None if name == '{module}' else object(); start.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "receipt-sync needs more packages: pip install 'receipt-chroma-sync[cli]'\n"
    )


def test_a_panic_of_chromas_core_ends_in_a_sentence() -> None:
    """PyO3 derives a panic from BaseException, so `except Exception` does not see it."""
    panic = (
        "import sys; from receipt_ops import start; "
        "panic = type('PanicException', (BaseException,), {}); "
        "start._command_line = lambda: (_ for _ in ()).throw(panic('FLAT WHITE 4.50')); "
        "start.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", panic], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "unexpected PanicException" in done.stderr
    assert "Traceback" not in done.stderr
    assert "FLAT WHITE" not in done.stderr
