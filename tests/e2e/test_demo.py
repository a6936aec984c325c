"""The demonstration shows every step, exits with 0, and leaves no process running."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from receipt_sync.keys import Collection

STEPS = (
    "rename a merchant",
    "edit a line",
    "send the vector of the edited line",
    "delete a word",
    "delete a whole receipt",
    "add a receipt",
)
LIMIT_SECONDS = 240


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, float]:
    """Return the demonstration's output, its state folder and its duration in seconds."""
    state = tmp_path_factory.mktemp("demo") / "state"
    environment = {name: v for name, v in os.environ.items() if not name.startswith("AWS_")}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--count", "6", "--state", str(state)],
        capture_output=True,
        check=False,
        env={**environment, "COLUMNS": "160"},
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, state, time.monotonic() - begun


def test_every_step_of_the_story_became_visible(demo_run: tuple[str, Path, float]) -> None:
    output, _, _ = demo_run
    for number, step in enumerate(STEPS, start=1):
        assert f"{number}  {step}" in output
    assert output.count("visible to readers after") == len(STEPS)


def test_it_ends_with_a_verdict_without_faults(demo_run: tuple[str, Path, float]) -> None:
    output, _, _ = demo_run
    closing = output[output.index("From a write to the table") :]
    for finding in ("missing", "unexpected", "different"):
        (row,) = [row for row in closing.splitlines() if f"verify: {finding}" in row]
        assert row.split("│")[2].strip() == "0"
    assert "agree in every record and every field" in closing
    for collection in Collection:
        for figure, value in (("recall@10", "1.0000"), ("vectors not found", "0")):
            name = f"verify --search, {collection}: {figure}"
            (row,) = [row for row in closing.splitlines() if name in row]
            assert row.split("│")[2].strip() == value


def test_it_leaves_no_process_and_no_folder(demo_run: tuple[str, Path, float]) -> None:
    _, state, _ = demo_run
    assert not state.exists()
