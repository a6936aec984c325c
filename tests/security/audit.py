"""Checks the versions of a lock for known vulnerabilities. `make audit` runs it.

    python -m tests.security.audit requirements.lock

pip-audit queries PyPI's advisory database, which the Python Packaging Authority maintains. If PyPI
cannot be reached, the script reads the last edition of Safety's database that PyPI carries. That
database ends in July 2021 and does not know later versions. This is no audit, so the exit status is
3.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from packaging.specifiers import SpecifierSet

VULNERABLE: Final = 1
UNAUDITED: Final = 3
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Pin:
    """A package and its version in the lock."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass
class Audited:
    """The result of pip-audit: advisory ids by version, and versions that it could not query.

    `seen` is the number of checked versions: those of the lock for this Python and machine.
    """

    seen: int
    vulnerable: dict[Pin, list[str]] = field(default_factory=dict)
    unknown: list[Pin] = field(default_factory=list)


def pins(lock: str) -> list[Pin]:
    """Return every version in a lock once."""
    return list(dict.fromkeys(Pin(name, version) for name, version in _PINNED.findall(lock)))


def audited(report: Mapping[str, Any]) -> Audited:
    """Return the result in a report of pip-audit."""
    found = Audited(len(report["dependencies"]))
    for entry in report["dependencies"]:
        if "skip_reason" in entry:
            words = entry["skip_reason"].rstrip(")").rsplit("(", 1)
            found.unknown.append(Pin(entry["name"], words[-1]))
        elif entry["vulns"]:
            ids = [vulnerability["id"] for vulnerability in entry["vulns"]]
            found.vulnerable[Pin(entry["name"], entry["version"])] = ids
    return found


def stored(found: Iterable[Pin], database: Mapping[str, Any]) -> Iterator[tuple[Pin, str]]:
    """Return the versions that the stored database calls vulnerable, and the advisory's number."""
    for pin in found:
        for advisory in database.get(pin.name.lower(), []):
            if any(SpecifierSet(spec).contains(pin.version) for spec in advisory["specs"]):
                yield pin, advisory["id"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit with 0 if no vulnerability is known, 1 if one is, 3 if PyPI was not asked for all."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.security.audit",
        description="Look the versions of a lock up among known vulnerabilities.",
        epilog="example: make audit",
    )
    parser.add_argument("lock", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    outcome = _outcome(chosen.lock)
    print(json.dumps(outcome, indent=2) if chosen.json else _sentences(outcome))
    if outcome["vulnerable"]:
        return VULNERABLE
    return UNAUDITED if outcome["not_asked"] else 0


def _outcome(lock: Path) -> dict[str, Any]:
    asked = pins(lock.read_text())
    found = audited(_pip_audit(lock))
    database = _stored_database()
    old = [(pin, number) for pin, number in stored(asked, database) if found.unknown]
    made = datetime.fromtimestamp(database["$meta"]["timestamp"], UTC).date()
    return {
        "versions": found.seen,
        "not_asked": len(found.unknown),
        "vulnerable": {
            **{str(pin): ids for pin, ids in found.vulnerable.items()},
            **{str(pin): [number] for pin, number in old},
        },
        "stored_data_of": made.isoformat() if found.unknown else None,
    }


def _pip_audit(lock: Path) -> Any:
    """Return pip-audit's report. Raises CalledProcessError if there is none.

    Its other output appears only then, because it calls versions sound that it could not query.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
    options = ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        sys.stderr.write(done.stderr)
        raise subprocess.CalledProcessError(done.returncode, done.args)
    return json.loads(done.stdout)


def _stored_database() -> Any:
    spec = find_spec("safety_db")  # The module is not imported, because its import fails.
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("safety_db is not installed: run `make audit`")
    return json.loads(Path(spec.origin).with_name("insecure_full.json").read_text())


def _sentences(outcome: Mapping[str, Any]) -> str:
    asked = outcome["versions"] - outcome["not_asked"]
    lines = [f"{asked} of {outcome['versions']} versions were looked up in PyPI's advisories."]
    if outcome["not_asked"]:
        lines.append(
            f"PyPI could not be asked about {outcome['not_asked']}. They were looked up in stored "
            f"data of {outcome['stored_data_of']}, which knows nothing of later versions: run "
            "`make audit` again where PyPI's JSON API can be reached."
        )
    for name, ids in outcome["vulnerable"].items():
        lines.append(f"VULNERABLE: {name}: {', '.join(ids)}")
    if not outcome["vulnerable"]:
        lines.append("Nothing is known against what was looked up.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
