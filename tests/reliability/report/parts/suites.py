"""The parts of the proof that run tests of `make test-all` and count their tries."""

from collections.abc import Mapping
from typing import Final

from local.state import PROJECT
from tests.reliability.report.parts import failures, promises, pytest_runs
from tests.reliability.report.parts.commands import PartFailedError, figures
from tests.reliability.report.parts.part import Part
from tests.reliability.report.parts.python_environments import VERSIONS, NoPythonError, environment
from tests.reliability.report.results import Row

_AUDIT: Final = ("-m", "tests.security.audit", "requirements.lock", "--json")
_VULNERABILITIES: Final = "known vulnerabilities of locked versions"
_FAKES: Final = "tests/support/fakes"
_AUDITORS_PYTHON: Final = PROJECT / ".venv" / "lint" / "bin" / "python"


def _tried(promised: Mapping[str, promises.Tests], part: str) -> list[Row]:
    tried = pytest_runs.run([test for tests in promised.values() for test in tests])
    command = f"python -m tests.reliability.report {part}"
    return [
        Row(what, tries, tries, failed, command)
        for what, tests in promised.items()
        for tries, failed in [tried.of(tests)]
    ]


def _security(quick: bool) -> list[Row]:
    return [*_tried(promises.SECURITY, "security"), _audit()]


def _compatibility(quick: bool) -> list[Row]:
    earlier = _tried(promises.EARLIER_SNAPSHOTS, "compatibility")
    return [*earlier, *map(_python, VERSIONS)]


def _audit() -> Row:
    found = figures(_AUDIT, str(_AUDITORS_PYTHON))
    asked = found["versions"] - found["not_asked"]
    note = f"{asked} looked up in PyPI's advisories"
    if found["not_asked"]:
        note += f", {found['not_asked']} in stored advisories of {found['stored_data_of']}"
    return Row(_VULNERABILITIES, found["versions"], 0, len(found["vulnerable"]), "make audit", note)


def _python(version: str) -> Row:
    try:
        made = environment(version)
    except NoPythonError as error:
        raise PartFailedError(str(error)) from error
    tried = pytest_runs.run(promises.EVERY_PYTHON, str(made.python), processes=2)
    tries, failed = tried.total
    command = "python -m tests.reliability.report compatibility"
    return Row(f"Python {version}", tries, 0, failed, command, made.version)


def _files(*promised: Mapping[str, promises.Tests]) -> tuple[str, ...]:
    """Return the files of the tests, their fixtures, and the shared fakes."""
    tests = (test for each in promised for some in each.values() for test in some)
    files = dict.fromkeys(test.split("::")[0] for test in tests)
    fixtures = {f"{file.rpartition('/')[0]}/conftest.py": None for file in files}
    return (*files, *(name for name in fixtures if (PROJECT / name).exists()), _FAKES)


ROWS: Final = Part(
    "rows",
    lambda quick: _tried(failures.FAILURES, "rows"),
    _files(failures.FAILURES),
    tuple(failures.FAILURES),
)
"""The tests of the failure table."""
ODD_DATA: Final = Part(
    "odd_data",
    lambda quick: _tried(promises.ODD_DATA, "odd_data"),
    _files(promises.ODD_DATA),
    tuple(promises.ODD_DATA),
)
"""Odd but legal data, and data from an attacker."""
SECURITY: Final = Part(
    "security",
    _security,
    _files(promises.SECURITY),
    (*promises.SECURITY, _VULNERABILITIES),
)
"""Leaks, foreign objects, pickles, licences, and known vulnerabilities."""
COMPATIBILITY: Final = Part(
    "compatibility",
    _compatibility,
    (*_files(promises.EARLIER_SNAPSHOTS), *promises.EVERY_PYTHON),
    (*promises.EARLIER_SNAPSHOTS, *(f"Python {version}" for version in VERSIONS)),
)
"""Snapshots of earlier versions, and each supported Python."""
