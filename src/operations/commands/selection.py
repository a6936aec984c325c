"""The part of the table that the options --image, --receipt and --sample select.

It imports Chroma through the table's source, so it is apart from the options, which every command
imports.
"""

from random import Random, SystemRandom
from typing import Any

import typer

from compactor.source import DynamoDBSource
from operations.connection import Connection
from operations.scope import OneImage, Sample, Scope, SomeReceipts, WholeTable
from operations.silence import Silence
from operations.table_pages import TablePages
from receipt_sync.keys import ReceiptKey


def scope_of(
    connection: Connection,
    image: str | None,
    receipt: str | None,
    sample: float | None,
    seed: int | None,
) -> Scope:
    """What the options name. Raises typer's BadParameter for a combination without meaning."""
    check_scope(image, receipt, sample, seed)
    source = source_of(connection)
    if receipt is not None:
        return SomeReceipts(source, [receipt_key(receipt)])
    pages = TablePages(connection.dynamodb, connection.names.table, SystemRandom())
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
        raise typer.BadParameter("give one of --image, --receipt and --sample")
    if image is not None:
        image_id(image)
    if receipt is not None:
        receipt_key(receipt)
    if sample is not None and sample <= 0:
        raise typer.BadParameter("--sample is a share above 0, such as 0.01")
    if seed is not None and sample is None:
        raise typer.BadParameter("--seed is of a --sample")


def receipt_key(text: str) -> ReceiptKey:
    """A receipt written as image id, slash, number. Raises typer's BadParameter."""
    image, _, number = text.rpartition("/")
    if not image or not number.isdecimal():
        raise typer.BadParameter(f"{text!r} is no receipt: write the image's id, a slash, a number")
    return ReceiptKey(image_id(image), int(number))


def image_id(text: str) -> str:
    """An image's id, with or without IMAGE# before it. Raises typer's BadParameter."""
    image = text.removeprefix("IMAGE#")
    if not image or "#" in image:
        raise typer.BadParameter(f"{text!r} is no image: its id holds no #")
    return image


def source_of(connection: Connection) -> DynamoDBSource:
    """The connection's table, as the compactor reads it."""
    client: Any = connection.dynamodb
    return DynamoDBSource(client, connection.names.table, SystemRandom(), Silence())
