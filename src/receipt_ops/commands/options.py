"""The options that several commands share."""

from typing import Annotated

import typer

MOST_HOURS = 87_840
"""Ten years. Times far beyond that exceed the range of dates."""
MOST_SECONDS = 7 * 24 * 3600
"""A week, for every wait. An infinite number of seconds could not be slept."""
MOST_RATE = 1_000_000
"""Changes a second, far beyond what a table accepts. An infinite rate could not be kept."""

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what the command would do. Write nothing.")
]
ImageOption = Annotated[
    str | None, typer.Option("--image", metavar="ID", help="Only this image's receipts.")
]
ReceiptOption = Annotated[
    str | None,
    typer.Option("--receipt", metavar="ID/NUMBER", help="Only this receipt of this image."),
]
SampleOption = Annotated[
    float | None,
    typer.Option("--sample", help="Only a random share of the images: 0.01 is 1 %.", max=1),
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", help="Seed of the sample. Default: a new sample each time.")
]

FreshnessGoal = Annotated[
    float,
    typer.Option(
        help="Seconds that a difference must last to count. 0: the first look decides.",
        min=0,
        max=MOST_SECONDS,
    ),
]
