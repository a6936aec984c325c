"""The comparison of one entity of the table with its record in the snapshot."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

from compactor.cycle.plan import same
from compactor.cycle.projection import Item, Items, delta_of, project, text_of
from receipt_index.records import DELTA_ID, Record
from receipt_ops.verification.verdict import FieldDifference, Finding
from receipt_sync.fields import EMBEDDED
from receipt_sync.keys import EntityKey

DOCUMENT: Final = "document"
VECTOR: Final = "vector"


class Comparison(NamedTuple):
    """Holds the finding, the fields in which a record differs, and whether its vector is stale.

    `content` is a digest of the expected content of a wrong record; empty for a correct one.
    `newest` is the newest known delta of the record; None without a record or a delta.
    """

    finding: Finding
    fields: Mapping[str, FieldDifference] = {}
    stale: bool = False
    content: bytes = b""
    newest: str | None = None


def compare(
    key: EntityKey,
    items: Items,
    record: Record | None,
    *,
    has_vector: bool = True,
    newer: str | None = None,
) -> Comparison:
    """Compare every field. `items` holds the decoded items of the key's image, its own included.

    `newer` is the delta that should have brought the record's vector, if the record names another
    one. A delta id that is not a ULID counts as a difference, even if no delta of the record is
    known.
    """
    item = items[key] or {}
    if record is None:
        finding = _without_record(item)
        wrong = finding is Finding.MISSING
        return Comparison(finding, content=_content(key, items) if wrong else b"")
    expected = project(key, items, document=record.document)
    fields = {
        name: FieldDifference(expected.get(name), record.metadata.get(name))
        for name in sorted({*expected, *record.metadata} - {DELTA_ID})
        if not same(record.metadata.get(name), expected.get(name))
    }
    if record.document is None:  # Without the document, nothing shows whether the vector is stale.
        fields[DOCUMENT] = FieldDifference(text_of(item), None)
    held = record.metadata.get(DELTA_ID)
    if newer is not None or (held is not None and not delta_of(record.metadata)):
        fields[DELTA_ID] = FieldDifference(newer, held)
    if not has_vector:
        fields[VECTOR] = FieldDifference("present", None)
    stale = record.document is not None and record.document != text_of(item)
    if not fields:
        return Comparison(Finding.EQUAL, fields, stale)
    newest = newer or delta_of(record.metadata) or None
    return Comparison(Finding.DIFFERENT, fields, stale, _content(key, items), newest)


def _content(key: EntityKey, items: Items) -> bytes:
    """Return a digest of the expected content. A digest, because memory holds many comparisons."""
    wanted = (text_of(items[key]), sorted(project(key, items).items()))
    return blake2b(repr(wanted).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _without_record(item: Item) -> Finding:
    return Finding.MISSING if item.get("embedding_status") == EMBEDDED else Finding.PENDING
