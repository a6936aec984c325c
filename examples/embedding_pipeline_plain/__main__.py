"""Embed the lines and words of receipts, and send their vectors with boto3 and NumPy only.

docs/integrate.md states the contract. This program is a template for one in another language.
"""

import argparse
import io
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import boto3
import numpy as np

from examples.model import NAME, embed

LINE = re.compile(r"RECEIPT#\d{5,18}#LINE#\d{5,18}")
WORD = re.compile(r"RECEIPT#\d{5,18}#LINE#\d{5,18}#WORD#\d{5,18}")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VECTORS_A_DELTA = 1_000


def new_id() -> str:
    """Return a ULID: 48 bits of milliseconds and 80 random bits, as 26 characters.

    The compactor uses the vector whose delta has the greatest id. A program that sends two vectors
    of one record within a millisecond needs a counter in place of the random bits.
    """
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(26)))


def texts_of(image_id: str, kind: "re.Pattern[str]") -> Iterator[tuple[str, str]]:
    """Yield the record id and the text of each line, or each word, of an image."""
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
            if kind.fullmatch(item["SK"]["S"]) and "text" in item:
                yield f"{item['PK']['S']}#{item['SK']['S']}", item["text"]["S"]


def object_of(ids: Sequence[str], texts: Sequence[str]) -> bytes:
    """Return the object: an .npz of the float32 vectors, and two JSON lists as UTF-8 bytes."""
    lists = {"ids": json.dumps(ids).encode(), "texts": json.dumps(texts).encode()}
    arrays: dict[str, Any] = {name: np.frombuffer(data, np.uint8) for name, data in lists.items()}
    buffer = io.BytesIO()
    np.savez(buffer, vectors=embed(texts), **arrays)
    return buffer.getvalue()


def send(collection: str, ids: Sequence[str], texts: Sequence[str]) -> None:
    """Store one delta, and only then send its message."""
    delta_id = new_id()
    key = f"deltas/{collection}/{delta_id}.npz"
    boto3.client("s3").put_object(
        Bucket=os.environ["SNAPSHOT_BUCKET"], Key=key, Body=object_of(ids, texts), IfNoneMatch="*"
    )
    message = {
        "source": "embedding_delta",
        "schema": 1,
        "collection": collection,
        "delta_id": delta_id,
        "delta_key": key,
        "vector_count": len(ids),
        "model": NAME,
    }
    boto3.client("sqs").send_message(
        QueueUrl=os.environ["COMPACTION_QUEUE_URL"], MessageBody=json.dumps(message)
    )


def main() -> None:
    """Embed the images that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m examples.embedding_pipeline_plain")
    parser.add_argument("image_id", nargs="+")
    options = parser.parse_args()
    for image_id in options.image_id:
        for collection, kind in (("receipt_lines", LINE), ("receipt_words", WORD)):
            found = list(texts_of(image_id, kind))
            for start in range(0, len(found), VECTORS_A_DELTA):
                some = found[start : start + VECTORS_A_DELTA]
                send(collection, [record_id for record_id, _ in some], [text for _, text in some])
            print(f"{image_id}: {len(found)} vectors of {collection} sent")


if __name__ == "__main__":
    main()
