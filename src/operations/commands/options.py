"""Options that several commands have, spelt the same in each."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")]
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
    int | None, typer.Option("--seed", help="Of the sample; another one each time by default.")
]

FreshnessGoal = Annotated[
    float,
    typer.Option(
        help="Seconds that a difference may last before it counts; 0: the first look decides.",
        min=0,
    ),
]
