"""Synthetic receipts. The same seed gives the same receipts on every machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from receipt_ops.loading.receipts import Line, Receipt

_CHARACTER_WIDTH: Final = 11
_LINE_HEIGHT: Final = 24
_LEFT: Final = 40

_FIRST: Final = (
    "Harbour", "Maple", "Old Mill", "Riverside", "Sunrise", "Golden", "North Star", "Corner",
    "Green Leaf", "Blue Door", "Stone Bridge", "Lakeview", "Orchard", "Silver", "Copper Kettle",
)  # fmt: skip
_TRADES: Final = {
    "Market": ("Whole Milk 1L", "Brown Bread", "Eggs x12", "Bananas", "Cheddar 200g", "Rice 2kg",
               "Olive Oil 500ml", "Tomatoes", "Butter 250g", "Oat Flakes", "Apple Juice"),
    "Cafe": ("Flat White", "Espresso", "Blueberry Muffin", "Croissant", "Iced Tea", "Bagel Salmon",
             "Carrot Cake", "Hot Chocolate", "Soup of the Day", "Sandwich Tuna"),
    "Hardware": ("Wood Screws 4x40", "Hammer 500g", "Masking Tape", "LED Bulb E27", "Paint Roller",
                 "Sandpaper P120", "Cable Ties", "Wall Plugs 8mm", "Garden Hose 15m"),
    "Pharmacy": ("Vitamin C", "Plasters", "Hand Cream", "Toothpaste", "Cough Syrup", "Shampoo",
                 "Sun Lotion SPF30", "Cotton Pads", "Lip Balm"),
    "Stationers": ("Notebook A5", "Gel Pen Blue", "Copy Paper A4", "Stapler", "Envelopes C5",
                   "Highlighter", "Desk Calendar", "Glue Stick"),
}  # fmt: skip
_STREETS: Final = ("Station Road", "High Street", "Park Lane", "Mill Lane", "Queen Street",
                   "Church Road", "Victoria Road", "Bridge Street")  # fmt: skip
_TOWNS: Final = ("Ashford", "Brookfield", "Clayton", "Denham", "Eastport", "Fairview", "Grantham")
_FAREWELLS: Final = ("THANK YOU", "THANK YOU, COME AGAIN", "GOODS SOLD ARE NOT RETURNABLE",
                     "PLEASE KEEP THIS RECEIPT", "HAVE A NICE DAY")  # fmt: skip


@dataclass(frozen=True)
class _Merchant:
    name: str
    trade: str
    street: str
    town: str


def synthetic_receipts(count: int, randomness: Random) -> Iterator[Receipt]:
    """Yield `count` receipts with merchants, prices that add up, boxes and confidences.

    Their names hold a random number, so that receipts of two seeds do not overwrite each other.
    """
    series = f"{randomness.getrandbits(32):08x}"
    merchants = [_merchant(randomness) for _ in range(max(3, count // 5))]
    for number in range(1, count + 1):
        name = f"synthetic-{series}-{number:05d}"
        yield _receipt(name, randomness.choice(merchants), randomness)


def _merchant(randomness: Random) -> _Merchant:
    trade = randomness.choice(sorted(_TRADES))
    street = f"{randomness.randint(1, 180)} {randomness.choice(_STREETS)}"
    return _Merchant(
        f"{randomness.choice(_FIRST)} {trade}", trade, street, randomness.choice(_TOWNS)
    )


def _receipt(name: str, merchant: _Merchant, randomness: Random) -> Receipt:
    date = f"{randomness.randint(1, 28):02d}/{randomness.randint(1, 12):02d}/2024"
    goods, total = _goods(merchant, randomness)
    texts = [
        *_heading(merchant, date, randomness),
        *goods,
        *_closing(total, randomness),
    ]
    return Receipt(
        receipt=name,
        company=merchant.name,
        address=f"{merchant.street}, {merchant.town}",
        date=date,
        total=_money(total),
        lines=tuple(_line(text, row, randomness) for row, text in enumerate(texts)),
    )


def _heading(merchant: _Merchant, date: str, randomness: Random) -> list[str]:
    return [
        merchant.name.upper(),
        merchant.street,
        merchant.town,
        f"TEL: 0{randomness.randint(20, 99)}-{randomness.randint(100000, 999999)}",
        f"RECEIPT NO: {randomness.randint(10000, 99999)}",
        f"DATE: {date} {randomness.randint(8, 21):02d}:{randomness.randint(0, 59):02d}",
        f"CASHIER: {randomness.randint(1, 12):02d}",
    ]


def _goods(merchant: _Merchant, randomness: Random) -> tuple[list[str], int]:
    """Return lines of goods and their sum in cents."""
    offered = _TRADES[merchant.trade]
    lines, total = [], 0
    for article in randomness.sample(offered, randomness.randint(3, len(offered))):
        quantity, price = randomness.randint(1, 4), randomness.randint(95, 2_999)
        total += quantity * price
        lines.append(f"{article}  {quantity} x {_money(price)}  {_money(quantity * price)}")
    return lines, total


def _closing(total: int, randomness: Random) -> list[str]:
    tax = total * 6 // 106
    paid = -(-total // 500) * 500
    cash = [f"CASH {_money(paid)}", f"CHANGE {_money(paid - total)}"]
    return [
        f"SUBTOTAL {_money(total - tax)}",
        f"TAX 6% {_money(tax)}",
        f"TOTAL {_money(total)}",
        *(cash if randomness.random() < 0.5 else ["CARD PAYMENT", "APPROVED"]),
        randomness.choice(_FAREWELLS),
    ]


def _line(text: str, row: int, randomness: Random) -> Line:
    left = _LEFT + randomness.randint(0, 30)
    top = 40 + row * (_LINE_HEIGHT + 8) + randomness.randint(-2, 2)
    right = left + len(text) * _CHARACTER_WIDTH
    return Line(
        text=text,
        box=(left, top, right, top + _LINE_HEIGHT),
        confidence=round(randomness.uniform(0.85, 1.0), 4),
    )


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
