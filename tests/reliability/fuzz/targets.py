"""The targets of the mutated bytes.

A target takes bytes and returns their outcome. It raises an error if they break the contract. The
contract forbids an error of another library, receipt text in a reason or a log, and a file outside
of the folder. A sound message beside the input must be applied.
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
    """`make` returns the function that takes inputs."""

    name: str
    make: Callable[[], Callable[[bytes], str]]
    kind: str
    """The kind of its seeds and mutations."""


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
