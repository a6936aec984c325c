"""A mutant is tried against the tests that can notice it."""

from dataclasses import replace

from tests.reliability.mutation.reach import Reach
from tests.reliability.mutation.toy import CONSTANT, LINE

FAST, SLOW, USER, BROKEN = (f"tests/unit/test_{name}.py::test" for name in "fsub")
DEFAULT = "tests/unit/test_settings.py::test"
REACH = Reach(
    lines={
        LINE.path: {3: frozenset(), 7: frozenset({SLOW}), 8: frozenset({SLOW, FAST, BROKEN})},
        "src/compactor/user.py": {1: frozenset(), 2: frozenset({USER})},
    },
    seconds={FAST: 0.1, SLOW: 5.0, USER: 0.2},
    sources={"src/compactor/user.py": ("from toy import LIMIT", "    return LIMIT")},
)


def test_a_line_is_tried_by_the_tests_that_run_it_the_fastest_first() -> None:
    assert REACH.tests_of(LINE) == [FAST, SLOW]


def test_a_constant_is_tried_by_the_tests_of_its_module_and_of_its_uses() -> None:
    assert REACH.tests_of(CONSTANT) == [FAST, USER, SLOW]


def test_the_slowest_tests_are_left_out_beyond_the_budget() -> None:
    assert replace(REACH, budget=0.4).tests_of(CONSTANT) == [FAST, USER]
    assert replace(REACH, budget=0.01).tests_of(CONSTANT) == [FAST]


def test_a_constant_that_another_constant_uses_is_tried_by_the_tests_of_both_modules() -> None:
    settings = "src/receipt_sync/settings.py"
    reach = replace(
        REACH,
        lines={**REACH.lines, settings: {1: frozenset(), 4: frozenset({DEFAULT})}},
        seconds={**REACH.seconds, DEFAULT: 0.3},
        sources={settings: ("seconds: int = LIMIT",)},
    )
    assert reach.tests_of(CONSTANT) == [FAST, DEFAULT, SLOW]
