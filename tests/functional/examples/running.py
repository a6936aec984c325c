"""Start the programs of examples/ on a stack, with any Python."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from local.stack import Stack

DEADLINE_SECONDS = 120
_OPEN = build_opener(ProxyHandler({})).open  # A proxy can't reach this machine.


@dataclass(frozen=True)
class Examples:
    """The programs in `folder`/examples, run by `python`, which finds `stack` by its variables."""

    python: Path | str
    folder: Path
    stack: Stack

    def run(self, name: str, *arguments: str) -> str:
        """Run a program to its end, and return its output."""
        done = subprocess.run(
            [str(self.python), "-m", f"examples.{name}", *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def service(self, copies: Path) -> Iterator["Service"]:
        """Run the search service with its copies in a folder. It must end well after SIGTERM."""
        started = subprocess.Popen(
            [
                *(str(self.python), "-m", "examples.search_service"),
                *("--port", "0", "--interval", "0.2"),
            ],
            cwd=self.folder,
            env=self._environment(SNAPSHOT_FOLDER=str(copies)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert started.stdout is not None
            url = started.stdout.readline().strip()
            assert url, started.communicate()
            yield Service(url)
            started.send_signal(signal.SIGTERM)
            _, errors = started.communicate(timeout=DEADLINE_SECONDS)
            assert (started.returncode, errors) == (0, "")
        finally:
            started.kill()
            started.communicate()

    def _environment(self, **more: str) -> dict[str, str]:
        # Without PYTHONPATH, the program sees only what its Python has installed.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return {**kept, **self.stack.variables, **more}


@dataclass(frozen=True)
class Service:
    """A running search service."""

    url: str

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and content."""
        return _answer(Request(self.url + path))

    def post(self, path: str, content: Any) -> tuple[int, Any]:
        """Post JSON, and return status and content."""
        return _answer(Request(self.url + path, json.dumps(content).encode()))

    def found(self, text: str, record_id: str) -> Any:
        """Search a text until a record is the first match, and return the match."""
        end = time.monotonic() + DEADLINE_SECONDS
        while True:
            status, content = self.post("/search", {"text": text, "limit": 1})
            assert status in (200, 503), content
            if status == 200 and [match["id"] for match in content["matches"]] == [record_id]:
                return content["matches"][0]
            assert time.monotonic() < end, (status, content)
            time.sleep(0.2)


def _answer(request: Request) -> tuple[int, Any]:
    try:
        with _OPEN(request, timeout=30) as got:
            return got.status, json.load(got)
    except HTTPError as error:
        return error.code, json.load(error)


def put_receipt(stack: Stack, image_id: str, line: str) -> str:
    """Write a receipt of one line to the table, and return the line's record id."""
    pk, words = f"IMAGE#{image_id}", line.split()
    items = {
        "RECEIPT#00001#METADATA": {"merchant_name": "Cafe Luna"},
        "RECEIPT#00001#LINE#00001": {"text": line},
        **{
            f"RECEIPT#00001#LINE#00001#WORD#{number:05d}": {"text": word}
            for number, word in enumerate(words, start=1)
        },
    }
    dynamodb = stack.clients().dynamodb
    for sk, fields in items.items():
        attributes = {"PK": pk, "SK": sk, **fields}
        dynamodb.put_item(
            TableName=stack.names.table, Item={name: {"S": v} for name, v in attributes.items()}
        )
    return f"{pk}#RECEIPT#00001#LINE#00001"
