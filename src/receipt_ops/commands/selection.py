"""The part of the table that the options --image, --receipt and --sample select.

This module imports Chroma through the table's source. So it is separate from the options, which
every command imports.
"""

from random import Random, SystemRandom

import typer

from receipt_ops.connection import Connection
from receipt_ops.verification.scope import OneImage, Sample, Scope, SomeReceipts, WholeTable
from receipt_ops.verification.wiring import pages_of, source_of
from receipt_sync.keys import ReceiptKey


def scope_of(
    connection: Connection,
    image: str | None,
    receipt: str | None,
    sample: float | None,
    seed: int | None,
) -> Scope:
    """Return the scope that the options select.

    Raises typer's BadParameter for a combination of options that has no meaning.
    """
    check_scope(image, receipt, sample, seed)
    source = source_of(connection)
    if receipt is not None:
        return SomeReceipts(source, [receipt_key(receipt)])
    pages = pages_of(connection)
    if image is not None:
        return OneImage(pages, image_id(image))
    if sample is not None:
        return Sample(pages, sample, SystemRandom() if seed is None else Random(seed))
    return WholeTable(source)


def check_scope(
    image: str | None, receipt: str | None, sample: float | None, seed: int | None
) -> None:
    """Raise typer's BadParameter for a combination of options that has no meaning."""
    if sum(option is not None for option in (image, receipt, sample)) > 1:
        raise typer.BadParameter("give only one of --image, --receipt and --sample")
    if image is not None:
        image_id(image)
    if receipt is not None:
        receipt_key(receipt)
    if sample is not None and sample <= 0:
        raise typer.BadParameter(f"--sample is {sample:g}: give a share above 0, such as 0.01")
    if seed is not None and sample is None:
        raise typer.BadParameter("--seed needs --sample: give both, or leave out --seed")


def receipt_key(text: str) -> ReceiptKey:
    """Return the key of a receipt from its image id, a slash and its number.

    Raises typer's BadParameter.
    """
    image, _, number = text.rpartition("/")
    if not image or not number.isdecimal():
        raise typer.BadParameter(
            f"{text!r} is not a receipt: give the image's id, a slash, and the receipt's number"
        )
    return ReceiptKey(image_id(image), int(number))


def image_id(text: str) -> str:
    """Return an image's id from a text with or without IMAGE#. Raises typer's BadParameter."""
    image = text.removeprefix("IMAGE#")
    if not image or "#" in image:
        raise typer.BadParameter(f"{text!r} is not an image: give an image's id, which has no #")
    return image
