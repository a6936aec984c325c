"""The source document's cost figures, and what they come to when they are computed."""

from typing import Final, NamedTuple

from operations.costs.prices import Prices

_PRICES: Final = Prices()


class Claim(NamedTuple):
    """A figure of the document, the same one computed, and how."""

    what: str
    claimed: str
    computed: str
    how: str


def claims() -> list[Claim]:
    """Every figure that does not hold."""
    before = 96 * 30 * 120 * 8 * _PRICES.lambda_gb_second
    stream = 500 * 30 * 30 * 0.25 * _PRICES.lambda_gb_second + 15_000 * _PRICES.lambda_request
    total = 0.06 + 5.00 + 2.50 + (2.10 + 2.50 + 0.40) + 0.10
    table = 0.06 + 5.00 + 2.50 + 5.00
    year = _interpolated_year(total, 16.12, 21.18)
    return [
        Claim(
            "compaction as it was",
            "~$25",
            f"${before:.2f}",
            "96 runs a day × 30 days × 120 s × 8 GB × $0.0000166667",
        ),
        Claim("stream reads", "$0.06", "$0.00", "a Lambda function reads its stream for nothing"),
        Claim(
            "stream processor",
            "~$5",
            f"${stream:.2f}",
            "500 runs a day × 30 days × 30 s × 0.25 GB, and 15,000 requests",
        ),
        Claim(
            "month 1 in the yearly table",
            "$12.66",
            f"${table:.2f}",
            "its rows leave out the $0.10 of data transfer that the total has",
        ),
        Claim(
            "a year",
            "$254.16",
            f"${year:.2f}",
            "254.16 is twelve times month 12; months 1, 6 and 12 with straight lines between",
        ),
        Claim(
            "return on investment",
            "3,162 %",
            f"{(400 - total) / total:,.0%}".replace("%", " %"),
            "400 less 12.66, divided by 12.66",
        ),
        Claim(
            "scale",
            "10,000 a month",
            "300,000 a month",
            "its costs are computed for 10,000 changes a day",
        ),
    ]


def _interpolated_year(first: float, sixth: float, twelfth: float) -> float:
    early = [first + (sixth - first) * month / 5 for month in range(6)]
    late = [sixth + (twelfth - sixth) * month / 6 for month in range(1, 7)]
    return sum(early) + sum(late)


DOCUMENT_TOTALS: Final = {10_000: 12.66, 100_000: 15.50, 1_000_000: 35.0}
"""Changes a month → dollars a month, as the document has them."""
