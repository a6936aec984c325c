"""Made-up receipts: reproducible, legal, and adding up."""

import json
import re
from decimal import Decimal
from itertools import chain
from random import Random

import pytest

from receipt_ops.loading.items import entities_of
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.synthetic import synthetic_receipts

GOLDEN = ("synthetic-2265b1f5-00001", "North Star Cafe", "253.11")


def made(count: int, seed: int) -> list[Receipt]:
    return list(synthetic_receipts(count, Random(seed)))


def test_one_seed_always_makes_the_same_receipts() -> None:
    assert made(20, 7) == made(20, 7)


def test_the_first_receipt_of_seed_one_is_this_one_on_every_machine() -> None:
    receipt = made(50, 1)[0]
    assert (receipt.receipt, receipt.company, receipt.total) == GOLDEN


def test_two_seeds_do_not_overwrite_each_other() -> None:
    keys = [
        {entity.key for receipt in made(10, seed) for entity in entities_of(receipt)}
        for seed in (1, 2)
    ]
    assert not keys[0] & keys[1]


def test_names_are_distinct() -> None:
    assert len({receipt.receipt for receipt in made(200, 3)}) == 200


def test_every_receipt_is_legal_in_the_file_format() -> None:
    for receipt in made(30, 4):
        text = json.dumps(receipt.model_dump())
        assert Receipt.model_validate_json(text) == receipt


def test_every_line_has_a_confidence() -> None:
    lines = chain.from_iterable(receipt.lines for receipt in made(10, 5))
    assert all(0.85 <= (line.confidence or 0) <= 1 for line in lines)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_goods_add_up_to_the_total(seed: int) -> None:
    for receipt in made(10, seed):
        goods = [re.search(r" x .*  (\S+)$", line.text) for line in receipt.lines]
        total = sum(Decimal(match[1]) for match in goods if match)
        assert Decimal(receipt.total or "0") == total
        assert f"TOTAL {receipt.total}" in {line.text for line in receipt.lines}


def test_several_receipts_share_a_merchant() -> None:
    companies = [receipt.company for receipt in made(50, 1)]
    assert 3 <= len(set(companies)) < len(companies)


def test_none_asked_for_is_none_made() -> None:
    assert made(0, 1) == []
