"""The nearest-rank percentile of load runs, benchmarks and `receipt-sync status`."""

import pytest

from receipt_ops.deployment.freshness import percentile


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([3.0], 50, 3.0),
        ([3.0], 100, 3.0),
        ([1.0, 2.0], 50, 1.0),
        ([1.0, 2.0], 51, 2.0),
        ([1.0, 2.0], 100, 2.0),
        ([float(n) for n in range(101)], 95, 95.0),
    ],
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(
    values: list[float], percent: int, expected: float
) -> None:
    assert percentile(values, percent) == expected
