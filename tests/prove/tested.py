"""Parts of the proof that are tests of `make test`: run, and what they tried counted."""

from collections.abc import Mapping
from typing import Final

from local.state import PROJECT
from tests.prove import pytests
from tests.prove.commands import PartFailedError, figures
from tests.prove.failures import FAILURES
from tests.prove.promises import EARLIER_SNAPSHOTS, EVERY_PYTHON, ODD_DATA, SECURITY, Tests
from tests.prove.pythons import VERSIONS, NoPythonError, environment
from tests.prove.results import Row

_AUDIT: Final = ("-m", "tests.security.audit", "requirements.lock", "--json")
_AUDITORS_PYTHON: Final = PROJECT / ".venv" / "lint" / "bin" / "python"


def rows(quick: bool) -> list[Row]:
    """The failure table, by its tests."""
    return _tried(FAILURES, "rows")


def odd_data(quick: bool) -> list[Row]:
    """What is odd but legal, and what is made to do harm."""
    return _tried(ODD_DATA, "odd_data")


def security(quick: bool) -> list[Row]:
    """Leaks, objects from elsewhere, pickles, licences, known vulnerabilities."""
    return [*_tried(SECURITY, "security"), _audit()]


def compatibility(quick: bool) -> list[Row]:
    """Earlier snapshots, and each Python that is promised. Raises PartFailedError without one."""
    return [*_tried(EARLIER_SNAPSHOTS, "compatibility"), *map(_python, VERSIONS)]


def _tried(promises: Mapping[str, Tests], part: str) -> list[Row]:
    tried = pytests.run([test for tests in promises.values() for test in tests])
    command = f"python -m tests.prove {part}"
    return [
        Row(what, tries, tries, failed, command)
        for what, tests in promises.items()
        for tries, failed in [tried.of(tests)]
    ]


def _audit() -> Row:
    found = figures(_AUDIT, str(_AUDITORS_PYTHON))
    asked = found["versions"] - found["not_asked"]
    note = f"{asked} looked up in PyPI's advisories"
    if found["not_asked"]:
        note += f", {found['not_asked']} in stored ones of {found['stored_data_of']}"
    what = "known vulnerabilities of locked versions"
    return Row(what, found["versions"], 0, len(found["vulnerable"]), "make audit", note)


def _python(version: str) -> Row:
    try:
        made = environment(version)
    except NoPythonError as error:
        raise PartFailedError(str(error)) from error
    tried = pytests.run(EVERY_PYTHON, str(made.python), processes=2)
    tries, failed = tried.total
    command = "python -m tests.prove compatibility"
    return Row(f"Python {version}", tries, 0, failed, command, made.version)
