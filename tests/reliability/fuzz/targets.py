"""What is fed with odd bytes.

A target takes bytes and returns what became of them. It raises whatever breaks the contract: an
error that is none of ours, receipt text in a reason or a log, a sound message that was not applied
beside the odd one, a file outside of the folder.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from tests.reliability.fuzz.handlers import compaction_bodies, compaction_deltas, stream_events
from tests.reliability.fuzz.readers import (
    chroma_ids,
    compression,
    deltas,
    keys,
    manifests,
    messages,
    pack_contents,
    packs,
    values,
)


class Target(NamedTuple):
    """`make` gives the function that takes inputs; what it keeps lives in its own process."""

    name: str
    make: Callable[[], Callable[[bytes], str]]
    kind: str
    """Which seeds and mutations suit it."""


TARGETS: Final = {
    target.name: target
    for target in (
        Target("keys", keys, "text"),
        Target("chroma_ids", chroma_ids, "text"),
        Target("values", values, "json"),
        Target("messages", messages, "json"),
        Target("deltas", deltas, "bytes"),
        Target("manifests", manifests, "json"),
        Target("compression", compression, "bytes"),
        Target("packs", packs, "bytes"),
        Target("pack_contents", pack_contents, "bytes"),
        Target("stream_events", stream_events, "json"),
        Target("compaction_bodies", compaction_bodies, "json"),
        Target("compaction_deltas", compaction_deltas, "bytes"),
    )
}
