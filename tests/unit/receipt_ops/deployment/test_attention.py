"""What `status` reports as a matter for a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from receipt_ops.commands.observation.status import screen_of
from receipt_ops.deployment.flags import FLAGS
from receipt_ops.deployment.freshness import percentiles
from receipt_ops.deployment.function_errors import FunctionErrors
from receipt_ops.deployment.status import PERSONS, MappingState, Status
from receipt_ops.deployment.switches import Switches
from receipt_ops.snapshots.manifests import Damaged, Published
from receipt_ops.verification.last_comparison import LastComparison
from receipt_ops.verification.settling import Backlog
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric
from tests.unit.receipt_ops.deployed_system import NOW, lock


def compared(**found: int) -> LastComparison:
    nothing = dict.fromkeys(("equal", "missing", "unexpected", "different", "pending"), 0)
    return LastComparison(at=NOW, **{**nothing, **found})


def switches(**changed: bool | None) -> Switches:
    return Switches(**{**dict.fromkeys((*FLAGS, "stream", "queue"), True), **changed})


def status(**changes: Any) -> Status:
    usual: dict[str, Any] = {
        "at": NOW,
        "freshness": percentiles([0.5, 1.0]),
        "backlog": Backlog(0, 0),
        "dead_letters": {"compaction": 0, "stream": 0},
        "locks": [lock(40, -10), lock(-5, -65)],
        "versions": {
            Collection.LINES: None,
            Collection.WORDS: Published("snapshot", 7, NOW, "w", 100, size=2**21, packs=3),
        },
        "switches": switches(),
        "refusals": dict.fromkeys(PERSONS, 0),
        "comparison": compared(equal=100),
    }
    return Status(**{**usual, **changes})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"freshness": None}, None),
        ({"backlog": Backlog(500, 3)}, None),
        ({"dead_letters": {"compaction": 2, "stream": 0}}, "2 dead letters of the compaction"),
        ({"switches": switches(word=False)}, "word is switched off"),
        ({"locks": [lock(3_600, -300)]}, "held by a silent worker"),
        ({"freshness": percentiles([45.0])}, "took 45 s"),
        ({"refusals": {Metric.MASS_DELETES_REFUSED: 3}}, "deleted too much and was refused, 3 ×"),
        ({"refusals": {Metric.SNAPSHOTS_DAMAGED: 1}}, "snapshot history"),
        ({"errors": [FunctionErrors("f", 3, NOW, "NoSuchBucket")]},
         "f reported 3 errors in 15 minutes, the last at 12:00:00: NoSuchBucket"),
        ({"openings": {Collection.WORDS: "a pack is gone"}},
         "no reader can open receipt_words: a pack is gone"),
        ({"openings": {Collection.WORDS: None}}, None),
        ({"versions": {Collection.LINES: Damaged("no JSON"), Collection.WORDS: None}}, "no JSON"),
        ({"oldest_seconds": 901.0}, "the oldest message has waited for 901 s"),
        ({"oldest_seconds": 5.0}, None),
        ({"comparison": compared(missing=1_000, different=710)}, "1,710 records were missing"),
        ({"comparison": compared(pending=9)}, None),
        ({"mappings": [MappingState("queue", "u-1", "Enabled", "PROBLEM: Function call failed")]},
         "the mapping of the queue (u-1) says: PROBLEM"),
        ({"unknown": {"locks": "no right"}, "locks": None}, "locks unknown: no right"),
        ({"unknown": {"oldest_seconds": "no right"}}, "oldest seconds unknown: no right"),
        ({"switches": switches(metadata=None, line=None, word=None)}, "metadata is unknown"),
        ({"switches": switches(queue=None)}, "queue is switched off in part"),
        ({"mappings": [MappingState("queue", f"u-{n}", "Enabled", None, "f") for n in (1, 2)]},
         "the queue has 2 mappings: u-1 (Enabled, f), u-2 (Enabled, f)"),
    ],
)  # fmt: skip
def test_what_needs_a_person_is_said(change: dict[str, Any], words: str | None) -> None:
    found = status(**change)
    assert (words in found.attention[0]) if words else found.attention == []
    assert found.to_json()["attention"] == found.attention
    screen_of(found)


@pytest.mark.parametrize(
    ("change", "warnings", "last_line"),
    [
        ({}, [], "nothing needs attention"),
        (
            {"comparison": None},
            ["table and index were never compared as a whole: `receipt-sync verify`"],
            "nothing else needs attention",
        ),
        (
            {"comparison": replace(compared(), at=NOW - timedelta(days=8))},
            ["the last full comparison is 8 days old: `receipt-sync verify`"],
            "nothing else needs attention",
        ),
        ({"comparison": replace(compared(), at=NOW - timedelta(days=6))}, [], None),
        ({"comparison": replace(compared(), at=NOW + timedelta(minutes=5))}, [], None),
        (
            {"comparison": replace(compared(), at=datetime(2999, 1, 1, tzinfo=UTC))},
            [
                "the last full comparison is dated 2999-01-01 00:00 UTC, which is in the future, "
                "so its age is unknown: correct the clock of the machine that ran `verify`, and "
                "run it again"
            ],
            "nothing else needs attention",
        ),
        ({"comparison": None, "unknown": {"comparison": "no right"}}, [], None),
    ],
)
def test_a_comparison_that_is_missing_or_old_is_a_warning_and_no_fault(
    change: dict[str, Any],
    warnings: list[str],
    last_line: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = status(**change)
    assert found.warnings == found.to_json()["warnings"] == warnings
    if last_line is not None:
        assert found.attention == []
        Console(width=200).print(screen_of(found))
        printed = capsys.readouterr().out.splitlines()
        assert printed[-len(warnings) - 1 :] == [*warnings, last_line]


def test_an_index_that_a_rebuild_would_shrink_is_shown_and_needs_no_person() -> None:
    bloated = Published("snapshot", 7, NOW, "w", 1_000, elements=2_400)
    found = status(versions={Collection.WORDS: bloated})
    assert found.attention == []
    assert ["2,400 elements for 1,000 records" in line for line in found.warnings] == [True]
    assert "snapshot rebuild receipt_words" in found.warnings[0]
    console = Console(width=200, record=True)
    console.print(screen_of(found))
    assert "2.40 a record, rebuild due" in console.export_text()
