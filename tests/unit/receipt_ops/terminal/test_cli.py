"""The command line: exit codes, JSON, and one sentence in place of a traceback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from receipt_ops.commands.consistency import verify as verify_module
from receipt_ops.commands.observation import alerts as alerts_module
from receipt_ops.commands.probes import latency as latency_module
from receipt_ops.commands.probes import smoke as smoke_module
from receipt_ops.commands.probes import stress as stress_module
from receipt_ops.commands.receipts import load as load_module
from receipt_ops.commands.receipts import receipts_for_tests as receipts_module
from receipt_ops.commands.receipts import search as search_module
from receipt_ops.commands.recovery import flags as flags_module
from receipt_ops.connection import Connection, Names
from receipt_ops.deployment.parts import Mapping, VariablesUnreadableError
from receipt_ops.probes import tasks as probe_tasks
from receipt_ops.probes.room import TooManyReceiptsError
from receipt_ops.terminal.cli import main
from receipt_ops.verification import tasks as verification_tasks
from receipt_ops.verification.recall import Recall, SearchVerdict
from receipt_ops.verification.settling import Settled
from receipt_ops.verification.verdict import (
    CollectionCounts,
    Example,
    FieldDifference,
    Finding,
    Verdict,
)
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.support.fakes.table import InMemoryTable
from tests.unit.receipt_ops.fakes import InMemorySnapshot

CLIENT: Any = None
CONNECTION = Connection(Names("t", "https://sqs/q", "b"), CLIENT, CLIENT, CLIENT, "http://x")
RECORD = "IMAGE#img#RECEIPT#00001#LINE#00001"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={"COLUMNS": "200", "NO_COLOR": "1"})


def verdict(**found: int) -> Verdict:
    counts = CollectionCounts(version=4, records=10)
    counts.findings.update({Finding(name): count for name, count in found.items()})
    examples = [
        Example(Finding.DIFFERENT, Collection.LINES, RECORD, {"text": FieldDifference("a", None)})
    ]
    return Verdict({Collection.LINES: counts}, examples if found.get("different") else [], 1.5)


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> list[Verdict]:
    """What the next verification finds; no AWS is asked."""
    found: list[Verdict] = []

    @contextmanager
    def readers(*_: Any) -> Iterator[dict[Any, Any]]:
        yield {}

    monkeypatch.setattr(verify_module, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(verify_module, "snapshot_readers", readers)
    monkeypatch.setattr(verification_tasks, "verify_once", lambda *_: found[0])
    monkeypatch.setattr(verify_module, "note_comparison", lambda *_: None)
    return found


def test_verify_without_a_difference_exits_with_0(verdicts: list[Verdict]) -> None:
    verdicts.append(verdict(equal=9, pending=1))
    result = run("verify")
    assert result.exit_code == 0
    assert "table and snapshot agree" in result.stdout


@pytest.mark.parametrize("fault", ["missing", "unexpected", "different"])
def test_verify_with_any_difference_exits_with_1(verdicts: list[Verdict], fault: str) -> None:
    verdicts.append(verdict(equal=9, **{fault: 1}))
    result = run("verify")
    assert result.exit_code == 1
    assert "1 differences" in result.stdout


def test_verify_names_the_record_and_the_field_that_differ(verdicts: list[Verdict]) -> None:
    verdicts.append(verdict(different=1))
    assert f"{RECORD}: text is absent, should be 'a'" in run("verify").stdout


def test_verify_json_is_one_document_of_this_shape(verdicts: list[Verdict]) -> None:
    verdicts.append(verdict(equal=8, different=2))
    result = run("verify", "--json")
    assert result.exit_code == 1
    content = json.loads(result.stdout)
    counts = {"equal": 8, "pending": 0, "missing": 0, "unexpected": 0, "different": 2, "stale": 0}
    assert {name: content[name] for name in counts} == counts
    assert content["examples"][0]["id"] == RECORD
    assert content["collections"]["receipt_lines"]["version"] == 4
    assert content["settled"] is None


def test_verify_wait_says_whether_it_settled(
    verdicts: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        verify_module, "settle_with_progress", lambda *_: Settled(verdict(equal=1), True)
    )
    result = run("verify", "--wait", "5", "--json")
    assert (result.exit_code, json.loads(result.stdout)["settled"]) == (0, True)


@pytest.mark.parametrize(("missed", "code"), [(0, 0), (2, 1)])
def test_verify_search_says_what_searches_miss(
    verdicts: list[Verdict], monkeypatch: pytest.MonkeyPatch, missed: int, code: int
) -> None:
    recall = Recall(4, 10, 9, 9, missed, examples=[RECORD] * (missed > 0), hits=9 - missed)
    recall.is_exact = missed == 0
    found = SearchVerdict({Collection.LINES: recall, Collection.WORDS: Recall()}, 1.5)
    monkeypatch.setattr(verify_module, "compare_search", lambda *_: found)
    screen = run("verify", "--search")
    assert screen.exit_code == code
    assert (f"not found {RECORD}" in screen.stdout) is (missed > 0)
    assert ("searches of this copy find what is stored" in screen.stdout) is (missed == 0)
    assert screen.stdout.count("Chroma's graph") == 1 + (missed > 0)
    document = run("verify", "--search", "--json")
    lines = json.loads(document.stdout)["collections"]["receipt_lines"]
    assert (document.exit_code, lines["missed"]) == (code, missed)
    assert lines["exact_search"] is (missed == 0)
    assert lines["recall_at_10"] == pytest.approx((9 - missed) / 9)


@pytest.mark.parametrize(
    "other",
    [
        ["--image", "a"],
        ["--receipt", "a/1"],
        ["--wait", "5"],
        ["--since"],
        ["--freshness-goal", "5"],
    ],
)
def test_verify_search_compares_whole_collections_only(other: list[str]) -> None:
    answer = run("verify", "--search", *other)
    assert answer.exit_code == 2
    assert "--search compares whole collections" in answer.output


@pytest.mark.parametrize(("seconds", "goal"), [(5, 5), (60, 60), (300, 60)])
def test_every_wait_looks_no_longer_than_it_waits(
    seconds: float, goal: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only verify did so. `repair`, `backfill` and `stress` looked for 60 s after a wait of 5 s."""
    goals: list[float] = []
    monkeypatch.setattr(verification_tasks, "newest_of", lambda *_: nullcontext())
    monkeypatch.setattr(verification_tasks, "patience_of", lambda *given: goals.append(given[2]))
    monkeypatch.setattr(verification_tasks, "settle", lambda *_: Settled(verdict(equal=1), True))
    verification_tasks.settle_with_progress(CONNECTION, {}, seconds, 0)
    assert goals == [goal]


def test_a_verification_that_fails_exits_with_2_and_a_sentence(
    verdicts: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: Any) -> Verdict:
        raise SnapshotDamagedError("the manifest is unreadable")

    monkeypatch.setattr(verification_tasks, "verify_once", damaged)
    result = run("verify")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "receipt-sync: the manifest is unreadable"
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [["verify", "--wait", "-1"], ["search"], ["load"], ["load", "nowhere.jsonl"], ["unheard"]],
)
def test_usage_errors_exit_with_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", ["verify", "search x", "load --synthetic 1"])
def test_without_an_environment_every_command_says_what_to_set(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DYNAMODB_TABLE", "COMPACTION_QUEUE_URL", "SNAPSHOT_BUCKET", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    result = run(*command.split())
    assert result.exit_code == 2
    assert "COMPACTION_QUEUE_URL, DYNAMODB_TABLE, SNAPSHOT_BUCKET are not set" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["verify", "search x", "load --synthetic 1"])
def test_an_endpoint_that_does_not_answer_is_one_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DYNAMODB_TABLE", "t")
    monkeypatch.setenv("COMPACTION_QUEUE_URL", "http://127.0.0.1:9/000000000000/q")
    monkeypatch.setenv("SNAPSHOT_BUCKET", "bucket")
    result = run(*command.split())
    assert result.exit_code == 2
    assert "nothing answers at http://127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.output


def test_a_dry_run_counts_and_asks_no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "connection_of_process", lambda: pytest.fail("asked AWS"))
    result = run("load", "--synthetic", "5", "--dry-run", "--json")
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    assert (content["receipts"], content["dry_run"], content["deltas"]) == (5, True, 0)
    assert content["items"] == 5 + content["lines"] + content["words"]


def test_a_malformed_file_is_found_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(load_module, "connection_of_process", lambda: pytest.fail("asked AWS"))
    path = tmp_path / "bad.jsonl"
    path.write_text('{"receipt": "a", "lines": []}\n{"receipt": "b"}\n')
    result = run("load", str(path))
    assert result.exit_code == 2
    assert f"{path}, line 2: lines: Field required" in result.stderr


def test_load_takes_a_file_or_made_up_receipts_but_not_both(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("")
    assert "either a FILE or --synthetic" in run("load", str(path), "--synthetic", "3").stderr


def test_load_says_that_its_vectors_are_a_stand_in() -> None:
    assert "stand-in for your model" in run("load", "--synthetic", "1", "--dry-run").stdout


@pytest.fixture
def snapshot(monkeypatch: pytest.MonkeyPatch) -> InMemorySnapshot:
    found = InMemorySnapshot()
    found.refresh = lambda: True  # type: ignore[attr-defined]
    metadata = {"image_id": "img", "receipt_id": 1, "line_id": 2, "text": "[TEA] 2.00"}
    found.put(RECORD, {**metadata, "merchant_name": "Corner Cafe", "embedding_stale": True}, "x")

    @contextmanager
    def readers(_: Any, collections: list[Collection]) -> Iterator[dict[Any, Any]]:
        yield dict.fromkeys(collections, found)

    monkeypatch.setattr(search_module, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(search_module, "snapshot_readers", readers)
    return found


def test_search_shows_text_merchant_place_and_staleness(snapshot: InMemorySnapshot) -> None:
    result = run("search", "tea", "--merchant", "Corner Cafe", "--limit", "3")
    assert result.exit_code == 0
    for shown in ("[TEA] 2.00", "Corner Cafe", "img / 1", "stale", "0.250", "receipt_lines"):
        assert shown in result.stdout
    assert snapshot.searches[0][0] == 3


def test_search_json_has_every_hit(snapshot: InMemorySnapshot) -> None:
    content = json.loads(run("search", "tea", "--words", "--json").stdout)
    assert content["collection"] == "receipt_words"
    assert content["hits"][0]["id"] == RECORD
    assert content["hits"][0]["stale"] is True


@pytest.mark.parametrize("command", ["load", "verify", "search"])
def test_every_commands_help_has_an_example(command: str) -> None:
    assert f"Example: receipt-sync {command}" in run(command, "--help").stdout


def test_a_number_that_json_lacks_is_printed_as_a_text(verdicts: list[Verdict]) -> None:
    """A damaged record may hold NaN. No parser but Python's reads a document with a bare one."""
    found = verdict(different=1)
    numbers = {
        name: FieldDifference(0.5, value)
        for name, value in {"a": float("nan"), "b": float("inf"), "c": float("-inf")}.items()
    }
    found.examples[:] = [Example(Finding.DIFFERENT, Collection.LINES, "NaN", numbers)]
    verdicts.append(found)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    content = json.loads(run("verify", "--json").stdout, parse_constant=refuse)
    fields = content["examples"][0]["fields"]
    assert [fields[name]["snapshot"] for name in "abc"] == ["NaN", "Infinity", "-Infinity"]
    assert fields["a"]["table"] == 0.5
    assert content["examples"][0]["id"] == "NaN"


@pytest.mark.parametrize("text", ["", " ", '"', "\\", "#"])
def test_a_trace_of_nothing_is_refused(text: str) -> None:
    """Every line of the logs holds it, so everything was "found"."""
    answer = run("trace", text)
    assert answer.exit_code == 2
    assert "give the id" in answer.stderr


@pytest.mark.parametrize("number", ["1e400", "inf", "nan"])
@pytest.mark.parametrize(
    "command",
    [
        "verify --wait", "repair --wait", "backfill --wait", "backfill --changes-per-second",
        "status --watch", "smoke --timeout", "latency --timeout", "stress --timeout",
        "stress --seconds", "stress --changes-per-second",
    ],
)  # fmt: skip
def test_no_wait_and_no_rate_is_infinite(command: str, number: str) -> None:
    answer = run(*command.split(), number)
    assert (answer.exit_code, "Invalid value for" in answer.output) == (2, True)


def test_an_id_that_is_longer_than_a_filter_pattern_is_refused() -> None:
    """CloudWatch's own answer would be that the pattern is invalid."""
    answer = run("trace", "x" * 1_001)
    assert (answer.exit_code, "1,001 characters" in answer.output) == (2, True)


def test_a_search_with_the_wrong_dimension_says_so(
    snapshot: InMemorySnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise IndexFailedError("Chroma's query failed: InvalidArgumentError")

    monkeypatch.setattr(snapshot, "search", fails)
    answer = run("search", "tea")
    assert answer.exit_code == 2
    assert (
        "vectors have 2 dimensions, but the stand-in embedding makes vectors of 384"
        in answer.stderr
    )


def test_a_dry_run_refuses_what_the_call_itself_would_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each said what it would do, where the real call does nothing and exits with 2."""

    class Sns:
        def get_topic_attributes(self, **_: Any) -> None:
            pass

        def get_paginator(self, _: str) -> Any:
            return type("Pages", (), {"paginate": lambda *_, **__: [{"Subscriptions": []}]})()

    connection = replace(CONNECTION, client=lambda _: Sns())
    monkeypatch.setattr(alerts_module, "connection_of_process", lambda: connection)
    answer = run("alerts", "unsubscribe", "arn:x", "--topic", "arn:t", "--dry-run")
    assert (answer.exit_code, "no subscription arn:x" in answer.stderr) == (2, True)

    def refuse(*_: Any, **__: Any) -> None:
        raise TooManyReceiptsError("take fewer receipts")

    monkeypatch.setattr(receipts_module, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(probe_tasks, "source_of", lambda _: InMemoryTable())
    monkeypatch.setattr(probe_tasks, "check_deletable", refuse)
    answer = run("modify-test-receipts", "--count", "2", "--delete", "--dry-run")
    assert (answer.exit_code, "take fewer" in answer.stderr) == (2, True)


@pytest.mark.parametrize(
    ("command", "module"),
    [
        (["smoke"], smoke_module),
        (["latency", "--changes", "2"], latency_module),
        (["stress", "--receipts", "400", "--seconds", "2"], probe_tasks),
    ],
)
def test_a_dry_run_of_a_probe_makes_the_checks_of_the_call(
    monkeypatch: pytest.MonkeyPatch, command: list[str], module: Any
) -> None:
    """It promised what the real call refused, such as more receipts than the guard lets go."""

    @contextmanager
    def refuse(*_: Any) -> Iterator[None]:
        raise TooManyReceiptsError("take fewer receipts")
        yield

    for named in (smoke_module, latency_module, stress_module):
        monkeypatch.setattr(named, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(module, "checked_tools", refuse)
    answer = run(*command, "--dry-run")
    assert (answer.exit_code, "take fewer" in answer.stderr) == (2, True)


def test_items_that_are_gone_are_no_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts_module, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(probe_tasks, "source_of", lambda _: InMemoryTable())
    monkeypatch.setattr(probe_tasks, "check_deletable", lambda *_, **__: None)
    answer = run("modify-test-receipts", "--count", "2", "--delete", "--dry-run", "--json")
    seen = json.loads(answer.stdout)
    assert seen["items deleted"] == 0
    assert seen["items gone"] > 10


def test_a_dry_run_of_flags_refuses_variables_that_can_not_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Unreadable:
        @property
        def stream_processor(self) -> Any:
            raise VariablesUnreadableError("ask for kms:Decrypt")

        stream_mappings = queue_mappings = (Mapping("uuid", "f", True, "Enabled", {}),)

    monkeypatch.setattr(flags_module, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(flags_module, "Deployment", lambda _: Unreadable())
    answer = run("flags", "set", "--no-word", "--dry-run")
    assert (answer.exit_code, "kms:Decrypt" in answer.stderr) == (2, True)
    assert run("flags", "set", "--no-queue", "--dry-run").exit_code == 0
