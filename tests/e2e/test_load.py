"""A short load run as `make load` makes it. A browser opens its report and Locust's page."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.browser import ARTEFACTS, Browser, find_browser
from tests.e2e.conftest import DEADLINE_SECONDS, System

RATE, SECONDS = 20, 10
SIZE = ("--base", "12", "--lines", "6", "--seed", "3", "--limit", str(DEADLINE_SECONDS))
LARGEST_ACTION = 60
WRITES_AN_ACTION = {"burst": 10, "edit with new vector": 2}
KINDS = ("merchant correction", "line edit", "word edit", "hot receipt")
OUT = ARTEFACTS / "load"
PICTURE_BYTES = 20_000
"""Bytes. The picture of an empty page is smaller."""


@dataclass(frozen=True)
class LoadRun:
    """One run of the command. `outcome` is the JSON that it printed."""

    code: int
    outcome: dict[str, Any]
    notes: str


@pytest.fixture(scope="module")
def run(system: System) -> LoadRun:
    done = subprocess.run(
        command("--rate", str(RATE), "--seconds", str(SECONDS), "--json"),
        capture_output=True,
        check=False,
        env={**os.environ, **system.stack.variables},
        text=True,
        timeout=4 * DEADLINE_SECONDS,
    )
    assert done.stdout, done.stderr
    print(done.stderr)
    return LoadRun(done.returncode, json.loads(done.stdout), done.stderr)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return find_browser(tmp_path_factory.mktemp("browser"))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "loadtest", *SIZE, "--out", str(OUT), *arguments]


def test_every_change_arrives_and_table_and_snapshot_agree(run: LoadRun) -> None:
    assert run.code == 0, run.notes
    assert run.outcome["faults"] == []
    assert run.outcome["failures"] == run.outcome["never"] == 0
    assert run.outcome["verify"]["different"] == 0
    assert run.outcome["verify"]["equal"] > 100


def test_the_rate_that_was_asked_for_is_written(run: LoadRun) -> None:
    """The range allows for the spread of a Poisson count and one action beyond the end."""
    outcome, asked = run.outcome, RATE * SECONDS
    assert outcome["rate"] == pytest.approx(outcome["changes"] / outcome["seconds"])
    assert SECONDS <= outcome["seconds"] < 1.5 * SECONDS
    assert abs(outcome["changes"] - asked) <= 3 * math.sqrt(asked) + LARGEST_ACTION
    assert outcome["irrelevant"] > 0


def test_every_write_that_locust_counts_is_followed_by_the_watcher(run: LoadRun) -> None:
    """Two processes count: the writing process, and the process that watches readers."""
    written = {row["name"]: row["writes"] - row["failures"] for row in run.outcome["latency"]}
    followed = {row["name"]: row["actions"] for row in run.outcome["freshness"]}
    assert written.pop("irrelevant") == run.outcome["irrelevant"]
    wanted = {name: followed[name] * WRITES_AN_ACTION.get(name, 1) for name in written}
    assert wanted == written
    assert run.outcome["changes"] >= sum(written.values())


def test_freshness_is_reported_by_kind_of_change(run: LoadRun) -> None:
    rows = {row["name"]: row for row in run.outcome["freshness"]}
    assert rows.keys() >= {*KINDS, "all changes"}
    assert sum(row["actions"] for row in rows.values()) == 2 * rows["all changes"]["actions"]
    for row in rows.values():
        assert 0 < row["p50"] <= row["p95"] <= row["worst"] < DEADLINE_SECONDS


def test_locust_has_a_row_of_writes_and_one_of_freshness_for_each_kind(run: LoadRun) -> None:
    csv = (OUT / "locust_stats.csv").read_text()
    for kind in KINDS:
        assert f"WRITE,{kind}," in csv
        assert f"FRESHNESS,{kind}," in csv
    assert "FRESHNESS" in run.notes
    assert "irrelevant" not in {row["name"] for row in run.outcome["freshness"]}


def test_a_browser_shows_our_report_with_its_freshness_and_its_plots(
    run: LoadRun, browser: Browser
) -> None:
    url = (OUT / "report.html").as_uri()
    page = browser.text_of(url)
    overall = next(r for r in run.outcome["freshness"] if r["name"] == "all changes")
    row = page.partition("<td>all changes</td>")[2].partition("</tr>")[0]
    assert f"<td>{overall['p95']:.2f}</td>" in row
    assert "table and snapshot agree" in page
    for plot in (
        "freshness-distribution",
        "freshness-over-time",
        "backlog-over-time",
        "rate-over-time",
    ):
        figure = page.partition(f'<figure id="{plot}">')[2].partition("</figure>")[0]
        assert figure.count("<path") > 5
    assert browser.screenshot(url, "load-report.png", 3_000).stat().st_size > PICTURE_BYTES


def test_a_browser_shows_locusts_own_report_with_a_freshness_row(
    run: LoadRun, browser: Browser
) -> None:
    page = browser.text_of((OUT / "locust.html").as_uri())
    assert page.count("FRESHNESS") >= len(KINDS)
    assert "merchant correction" in page


def test_a_browser_shows_locusts_page_with_a_freshness_row_while_it_runs(
    system: System, browser: Browser
) -> None:
    with page_of(system) as url:
        start(url, rate="6", seconds="60", load_shape="steady")
        seen = wait_for_freshness(url)
        page = browser.text_of(url)
        assert ">FRESHNESS<" in page
        assert f">{seen}<" in page
        picture = browser.screenshot(url, "load-page.png", 900)
        assert picture.stat().st_size > PICTURE_BYTES
    report = (OUT / "page" / "report.html").read_text()  # Ctrl-C ended the page during the run
    assert f">{seen}<" in report
    assert (OUT / "page" / "locust.html").exists()


@contextmanager
def page_of(system: System) -> Iterator[str]:
    """Serve Locust's page for the block, as `make load-ui` does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        command("--ui", "--port", str(port), "--out", str(OUT / "page")),
        env={**os.environ, **system.stack.variables},
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url), process)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        assert process.wait(DEADLINE_SECONDS) == 0


def start(url: str, **options: str) -> None:
    """Send the request of the page's start button."""
    form = urlencode({"user_count": 1, "spawn_rate": 1, "host": "", **options}).encode()
    with urllib.request.urlopen(f"{url}/swarm", form) as answer:
        assert json.load(answer)["success"] is True


def wait_for_freshness(url: str) -> str:
    """Return the first kind of change that has a freshness row."""
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{url}/stats/requests") as answer:
            for row in json.load(answer)["stats"]:
                if row["method"] == "FRESHNESS":
                    return str(row["name"])
        time.sleep(0.5)
    raise AssertionError("the page shows no freshness row")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url):
            return True
    except OSError:
        return False


def wait_until(holds: Any, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert process.poll() is None, f"ended with {process.returncode}"
        assert time.monotonic() < end
        time.sleep(0.3)
