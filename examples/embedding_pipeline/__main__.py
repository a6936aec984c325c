"""Embed the lines and words of receipts, and send their vectors with `receipt_index`."""

import argparse
import os
from collections.abc import Iterator
from itertools import groupby

import boto3

from examples.model import NAME, embed
from receipt_index import Collection, EntityKey, VectorSender, parse_key


def texts_of(image_id: str) -> Iterator[tuple[EntityKey, str]]:
    """Yield the key and the text of each line and word of an image, in the order of the table."""
    pages = (
        boto3.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=os.environ["DYNAMODB_TABLE"],
            KeyConditionExpression="PK = :pk AND begins_with(SK, :sk)",
            ExpressionAttributeValues={":pk": {"S": f"IMAGE#{image_id}"}, ":sk": {"S": "RECEIPT#"}},
            ConsistentRead=True,
        )
    )
    for page in pages:
        for item in page["Items"]:
            key = parse_key(item["PK"]["S"], item["SK"]["S"])
            if key is not None and key.collection is not None and "text" in item:
                yield key, item["text"]["S"]


def send(sender: VectorSender, image_id: str) -> int:
    """Send the vectors of an image, and return how many there are."""
    found = sorted(texts_of(image_id), key=lambda entry: str(entry[0].collection))
    for collection, entries in groupby(found, key=lambda entry: entry[0].collection):
        keys, texts = zip(*entries, strict=True)
        sender.send(Collection(collection), keys, embed(texts), texts, model=NAME)
    return len(found)


def main() -> None:
    """Embed the images that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m examples.embedding_pipeline")
    parser.add_argument("image_id", nargs="+")
    options = parser.parse_args()
    sender = VectorSender.open(
        bucket=os.environ["SNAPSHOT_BUCKET"], queue_url=os.environ["COMPACTION_QUEUE_URL"]
    )
    for image_id in options.image_id:
        print(f"{image_id}: {send(sender, image_id)} vectors sent")


if __name__ == "__main__":
    main()
