"""Writes the events of a history so that each one makes sense after the earlier ones."""

from random import Random
from typing import Any, Final

from receipt_sync.keys import Collection
from tests.reliability.simulation.environment.table import Attributes, Key
from tests.reliability.simulation.faults.faults import Kind, Side
from tests.reliability.simulation.workload.script import LENGTH, RARE, SECRET, Event

SERVICES: Final = {
    "table": {"table.get", "table.query", "lock.acquire", "lock.extend", "lock.release"},
    "bucket": {
        "manifest.get", "manifest.swap", "block.get", "block.put", "pack.get", "pack.put",
        "delta.get", "objects.delete",
    },
    "queue": {
        "changes.send", "stream-dlq.park", "compaction-dlq.park", "queue.receive", "queue.delete",
    },
    "index": {"index.open", "index.get", "index.update", "index.insert", "index.delete"},
}  # fmt: skip

IMAGES: Final = ("scan", "Scan-2")

Draft = tuple[float, str, dict[str, Any]]
"""An event without a name: its time, its action and the arguments of the action."""


class WorkloadGenerator:
    """Draws the receipts, and then the events."""

    def __init__(self, source: Random) -> None:
        self._source = source
        self._stamps = 0
        receipts = source.choice((1, 1, 2))
        self._receipts = [(IMAGES[n % 2], 1 + n // 2) for n in range(receipts)]
        self._lines = [k for r in self._receipts for k in _line_keys(r, source.choice((1, 2, 3)))]
        words = source.choice((0, 0, 2, 3))
        self._words = [k for r in self._receipts for k in _word_keys(r, words)]
        self._records = self._lines + self._words
        self._metadata = [(f"IMAGE#{i}", f"RECEIPT#{r:05d}#METADATA") for i, r in self._receipts]
        self._distinct = source.choice((0.0, 0.5))

    def events(self, steps: set[str]) -> list[Event]:
        """Return the events, including those that lead to the rare ones of the given steps."""
        drafts: list[Draft] = [
            (0.0, "put", {"key": key, "item": self._item(key)}) for key in self._records
        ]
        drafts += [(0.0, "put", {"key": k, "item": self._item(k)}) for k in self._metadata]
        drafts.append((0.5, "embed", {"keys": tuple(self._records), "late": 0.0, "again": None}))
        for _ in range(self._source.randint(1, 5)):
            drafts.append(self._draft(self._source.uniform(1.0, LENGTH)))
            # Events often follow each other closely.
            if self._source.random() < 0.3:
                drafts.append(self._draft(drafts[-1][0] + self._source.uniform(0.0, 2.0)))
        if self._source.random() < 0.7:
            drafts.append(self._operator(self._source.uniform(5.0, LENGTH)))
        for step in sorted(steps & RARE.keys()):
            drafts += self._leading_to(RARE[step], self._source.uniform(5.0, LENGTH))
        drafts.sort(key=lambda draft: draft[0])
        return [Event(f"e{n}", *draft) for n, draft in enumerate(drafts)]

    def _draft(self, at: float) -> Draft:
        actions = {
            self._edit: 8, self._rename: 3, self._remove: 3, self._remove_receipt: 1,
            self._embed: 5, self._edit_and_back: 2, self._crash: 1, self._pause: 2,
            self._edit_during_cycle: 3, self._outage: 1,
        }  # fmt: skip
        (action,) = self._source.choices(list(actions), list(actions.values()))
        name, arguments = action()
        return at, name, arguments

    def _leading_to(self, action: str, at: float) -> list[Draft]:
        if action == "drain":  # A drain needs a message that no poller has taken.
            embed, arguments = self._embed()
            return [(at, embed, arguments | {"late": 0.0}), (at + 0.05, "drain", {})]
        name, arguments = {
            "poison": self._poison,
            "malformed": self._malformed,
            "remove": self._remove_receipt,
        }[action]()
        return [(at, name, arguments)]

    def _operator(self, at: float) -> Draft:
        action = self._source.choice(
            (
                self._poison, self._malformed, self._refuse, self._flags, self._reconfigure,
                self._drain, self._redrive, self._foreign, self._burst, self._damage,
                self._collect_garbage, self._collect_garbage, self._restore,
            )
        )  # fmt: skip
        name, arguments = action()
        return at, name, arguments

    def _edit(self) -> tuple[str, dict[str, Any]]:
        key = self._source.choice(self._records)
        return "put", {"key": key, "item": self._item(key)}

    def _edit_and_back(self) -> tuple[str, dict[str, Any]]:
        key = self._source.choice(self._records)
        return "flip", {
            "key": key,
            "item": self._item(key),
            "after": self._source.choice((0.5, 10.0, 80.0)),
        }

    def _rename(self) -> tuple[str, dict[str, Any]]:
        key = self._source.choice(self._metadata)
        return "put", {"key": key, "item": self._item(key)}

    def _remove(self) -> tuple[str, dict[str, Any]]:
        return "remove", {"keys": (self._source.choice(self._records + self._metadata),)}

    def _remove_receipt(self) -> tuple[str, dict[str, Any]]:
        image, receipt = self._source.choice(self._receipts)
        prefix = (f"IMAGE#{image}", f"RECEIPT#{receipt:05d}#")
        keys = self._records + self._metadata
        return "remove", {
            "keys": tuple(k for k in keys if k[0] == prefix[0] and k[1].startswith(prefix[1]))
        }

    def _embed(self) -> tuple[str, dict[str, Any]]:
        count = self._source.randint(1, min(4, len(self._records)))
        return "embed", {
            "keys": tuple(sorted(self._source.sample(self._records, count))),
            "late": self._source.choice((0.0, 0.0, 30.0)),
            "again": self._source.choice((None, None, 5.0, 120.0)),
        }

    def _crash(self) -> tuple[str, dict[str, Any]]:
        return "crash", {"slot": self._source.randrange(3)}

    def _pause(self) -> tuple[str, dict[str, Any]]:
        return "pause", {
            "slot": self._source.randrange(3),
            "seconds": self._source.choice((10.0, 50.0, 70.0, 150.0)),
            "frozen": self._source.random() < 0.3,
        }

    def _edit_during_cycle(self) -> tuple[str, dict[str, Any]]:
        """Return an edit, and a second edit while the worker with the first one is paused."""
        key = self._source.choice(self._records + self._metadata)
        return "edit_during_cycle", {
            "key": key,
            "item": self._item(key),
            "then": self._source.choice((None, "back", self._item(key))),
            "step": self._source.choice(_AMBUSHES),
            "side": self._source.choice(list(Side)),
            "frozen": self._source.random() < 0.7,
            "seconds": self._source.choice((70.0, 130.0)),
        }

    def _outage(self) -> tuple[str, dict[str, Any]]:
        return "outage", {
            "service": self._source.choice(list(SERVICES)),
            "seconds": self._source.choice((5.0, 30.0, 100.0)),
            "share": self._source.choice((1.0, 0.7)),
            "partial": self._source.random() < 0.5,
        }

    def _poison(self) -> tuple[str, dict[str, Any]]:
        return "poison", {"kind": self._source.choice(POISONS)}

    def _malformed(self) -> tuple[str, dict[str, Any]]:
        return "malformed", {"number": self._source.randrange(100)}

    def _foreign(self) -> tuple[str, dict[str, Any]]:
        return "foreign", {"number": self._source.randrange(100)}

    def _refuse(self) -> tuple[str, dict[str, Any]]:
        return "refuse", {"key": self._source.choice(self._records)}

    def _flags(self) -> tuple[str, dict[str, Any]]:
        off = self._source.choice(("metadata", "line", "word"))
        return "flags", {"off": off, "seconds": self._source.choice((20.0, 100.0))}

    def _reconfigure(self) -> tuple[str, dict[str, Any]]:
        return "reconfigure", {
            "lease": self._source.choice((35.0, 60.0, 120.0)),
            "retention": self._source.choice((0.0, 60.0, 100_000.0)),
        }

    def _drain(self) -> tuple[str, dict[str, Any]]:
        return "drain", {}

    def _redrive(self) -> tuple[str, dict[str, Any]]:
        return "redrive", {}

    def _damage(self) -> tuple[str, dict[str, Any]]:
        return "damage", {
            "kind": self._source.choice(("manifest", "blocks", "packs")),
            "gone": self._source.random() < 0.5,
            "seconds": self._source.choice((10.0, 60.0)),
        }

    def _collect_garbage(self) -> tuple[str, dict[str, Any]]:
        return "collect_garbage", {
            "collection": self._source.choice(list(Collection)),
            "grace": self._source.choice((0.0, 0.0, 0.0, 30.0)),
            "strike": self._source.choice((Kind.CRASH, Kind.PAUSE, Kind.FREEZE)),
            "seconds": self._source.choice((10.0, 70.0, 130.0)),
        }

    def _restore(self) -> tuple[str, dict[str, Any]]:
        return "restore", {
            "collection": self._source.choice(list(Collection)),
            "back": self._source.choice((0, 1, 1, 2, 4)),
        }

    def _burst(self) -> tuple[str, dict[str, Any]]:
        key = self._source.choice(self._records)
        return "burst", {"puts": tuple((key, self._item(key)) for _ in range(8))}

    def _item(self, key: Key) -> Attributes:
        draw = self._source
        item: dict[str, Any] = {"PK": {"S": key[0]}, "SK": {"S": key[1]}}
        if key[1].endswith("#METADATA"):
            names = draw.sample(("merchant_name", "address", "canonical_merchant_name"), 2)
            return item | {name: {"S": f"{SECRET} {draw.choice('AB')}"} for name in names}
        item["text"] = {"S": draw.choice((f"{SECRET} a", f"{SECRET} b", f"{SECRET}\x00", ""))}
        item["confidence"] = {"N": self._number()}
        if draw.random() < 0.3:
            item["is_noise"] = {"BOOL": draw.random() < 0.5}
        if draw.random() < 0.3:
            item["bounding_box"] = {"M": {"x": {"N": "0.25"}, "y": {"N": draw.choice("12")}}}
        return item

    def _number(self) -> str:
        if self._source.random() < self._distinct:
            self._stamps += 1
            return f"0.{self._stamps:04d}"
        return self._source.choice(("0.5", "1"))


_AMBUSHES: Final = (
    "lock.acquire", "manifest.get", "index.get", "table.get", "table.query", "index.update",
    "index.delete", "pack.put", "manifest.swap", "objects.delete",
)  # fmt: skip
"""Steps at which a paused worker holds data that others may change."""
POISONS: Final = ("text", "source", "item", "absent", "pickle", "count", "foreign id", "nan")


def _line_keys(receipt: tuple[str, int], count: int) -> list[Key]:
    image, number = receipt
    return [(f"IMAGE#{image}", f"RECEIPT#{number:05d}#LINE#{n:05d}") for n in range(count)]


def _word_keys(receipt: tuple[str, int], count: int) -> list[Key]:
    pk, line = _line_keys(receipt, 1)[0]
    return [(pk, f"{line}#WORD#{n:05d}") for n in range(1, count + 1)]
