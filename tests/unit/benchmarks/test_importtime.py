"""Import times are summed by package."""

from benchmarks.meters.importtime import by_package

SAID = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |     boto3.compat
import time:      2000 |       2100 |   boto3
import time:        50 |         50 | zipimport
"""


def test_modules_of_one_package_count_together_and_the_dearest_comes_first() -> None:
    assert by_package(SAID) == [("boto3", 2.1), ("zipimport", 0.05), ("all others", 0.0)]
