"""A try is a test case, or an example of a property. Failures and errors both count."""

from pathlib import Path

from tests.reliability.report.parts.pytest_runs import _examples, _read

_SAID = """
tests/property/test_some.py::TestMachine::runTest:

  - during generate phase (6.11 seconds):
    - 150 passing, 2 failing, and 11 invalid test cases

tests/unit/test_other.py::test_any[a]:

  - during reuse phase (0.01 seconds):
    - 1 passing, 0 failing, and 0 invalid test cases
  - during generate phase (1.00 seconds):
    - 99 passing, 0 failing, and 3 invalid test cases
"""
_REPORT = """<testsuites><testsuite>
<testcase classname="tests.property.test_some.TestMachine" name="runTest"><failure/></testcase>
<testcase classname="tests.unit.test_other" name="test_any[a]"/>
<testcase classname="tests.unit.test_other" name="test_case[1]"/>
<testcase classname="tests.unit.test_other" name="test_case[2]"><error/></testcase>
</testsuite></testsuites>"""


def test_examples_are_counted_over_the_phases() -> None:
    assert _examples(_SAID) == {
        "tests/property/test_some.py::runTest": 152,
        "tests/unit/test_other.py::test_any": 100,
    }


def test_tries_and_failures_of_tests_and_of_whole_files(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(_REPORT)
    tried = _read(report, _SAID)
    assert tried.of(["tests/property/test_some.py"]) == (152, 1)
    assert tried.of(["tests/unit/test_other.py::test_case"]) == (2, 1)
    assert tried.of(["tests/unit/test_other.py"]) == (102, 1)
    assert tried.total == (254, 2)
