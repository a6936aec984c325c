"""The audit of the lock, of vulnerable versions, and of versions that it could not query."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.security import audit
from tests.security.audit import Pin, audited, main, pins, stored

LOCK = """\
one==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:aa
two==2.0 \\
    --hash=sha256:bb
"""
SOUND = {"name": "one", "version": "1.0", "vulns": []}
BAD = {"name": "two", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
NOT_ASKED = {
    "name": "two",
    "skip_reason": "Dependency not found on PyPI and could not be audited: two (2.0)",
}
DATABASE = {
    "$meta": {"timestamp": 1625119202},
    "two": [{"advisory": "…", "id": "pyup.io-1", "specs": ["<1.0", ">=2.0,<2.5"]}],
}


def outcome(
    found: list[Any], database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> int:
    lock = tmp_path / "requirements.lock"
    lock.write_text(LOCK)
    monkeypatch.setattr(audit, "_pip_audit", lambda _: {"dependencies": found})
    monkeypatch.setattr(audit, "_stored_database", lambda: database)
    return main([str(lock), "--json"])


def test_the_locks_versions_are_read_whatever_follows_them() -> None:
    assert pins(LOCK) == [Pin("one", "1.0"), Pin("two", "2.0")]


def test_a_version_that_could_not_be_asked_about_is_not_called_sound() -> None:
    found = audited({"dependencies": [SOUND, BAD, NOT_ASKED]})
    assert found.vulnerable == {Pin("two", "2.0"): ["PYSEC-1"]}
    assert (found.seen, found.unknown) == (3, [Pin("two", "2.0")])


@pytest.mark.parametrize(("version", "expected"), [("0.9", 1), ("1.5", 0), ("2.4", 1), ("2.5", 0)])
def test_stored_advisories_are_matched_by_their_ranges(version: str, expected: int) -> None:
    assert len(list(stored([Pin("Two", version)], DATABASE))) == expected


@pytest.mark.parametrize(
    ("found", "database", "status"),
    [
        ([SOUND], DATABASE, 0),
        ([SOUND, BAD], DATABASE, audit.VULNERABLE),
        ([SOUND, NOT_ASKED], DATABASE, audit.VULNERABLE),
        ([SOUND, NOT_ASKED], {"$meta": DATABASE["$meta"]}, audit.UNAUDITED),
    ],
    ids=["nothing known", "known to PyPI", "known to the stored data", "not asked"],
)
def test_the_exit_status_tells_sound_vulnerable_and_not_asked_apart(
    found: list[Any],
    database: Any,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert outcome(found, database, tmp_path, monkeypatch) == status
    printed = json.loads(capsys.readouterr().out)
    assert bool(printed["vulnerable"]) == (status == audit.VULNERABLE)
    assert printed["stored_data_of"] == ("2021-07-01" if NOT_ASKED in found else None)
