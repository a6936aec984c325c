"""The system refuses and never fetches snapshots and deltas outside the bucket's prefix."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from receipt_index.snapshot.format.manifest import read_manifest
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.errors import PoisonMessageError, SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key, read_message, to_body
from tests.support.data.make_chroma_snapshot import DATA, PREFIX

ULID = "01HZX0000000000000000000AA"
OUTSIDE = (
    f"snapshots/receipt_lines/{ULID}.npz",
    f"deltas/../secrets/{ULID}.npz",
    f"deltas/receipt_words/{ULID}.npz",
    f"/deltas/receipt_lines/{ULID}.npz",
    f"s3://another-bucket/deltas/receipt_lines/{ULID}.npz",
    f"arn:aws:s3:::another-bucket/deltas/receipt_lines/{ULID}.npz",
    f"deltas/receipt_lines/{ULID}.npz?versionId=1",
    "",
)
NAMES_OUTSIDE = (
    "../../another/packs",
    "/etc/passwd",
    "snapshots/receipt_words/blocks/" + 64 * "0",
    64 * "0" + "/..",
    64 * "G",
    "",
)
DIGESTS = ("base", "packs")


class Client:
    """An S3 client that records the requested keys."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def get_object(self, **request: Any) -> Any:
        self.asked.append((request["Bucket"], request["Key"]))
        raise NotADirectoryError


@pytest.mark.parametrize("key", OUTSIDE)
def test_a_delta_outside_of_its_collections_prefix_is_poison(key: str) -> None:
    message = json.loads(to_body(Delta.of(Collection.LINES, ULID, 1)))
    assert read_message(json.dumps(message)).delta is not None
    with pytest.raises(PoisonMessageError):
        read_message(json.dumps({**message, "delta_key": key}))


@pytest.mark.parametrize("delta_id", ["../x", "x" * 26, f"{ULID}/..", f"{ULID}\n", ""])
def test_a_delta_id_can_not_lead_out_of_the_prefix(delta_id: str) -> None:
    message = json.loads(to_body(Delta.of(Collection.LINES, ULID, 1)))
    key = delta_key(Collection.LINES, delta_id)
    with pytest.raises(PoisonMessageError):
        read_message(json.dumps({**message, "delta_id": delta_id, "delta_key": key}))


@pytest.mark.parametrize("name", NAMES_OUTSIDE)
@pytest.mark.parametrize("where", DIGESTS)
def test_a_manifest_names_objects_by_digest_alone(where: str, name: str) -> None:
    manifest = _manifest()
    if where == "base":
        next(iter(manifest["base"].values()))["blocks"] = [name]
    else:
        manifest["packs"][0]["digest"] = name
    with pytest.raises(SnapshotDamagedError):
        read_manifest(json.dumps(manifest).encode(), Collection.LINES)


def test_another_collections_manifest_is_refused() -> None:
    with pytest.raises(SnapshotDamagedError):
        read_manifest(json.dumps(_manifest()).encode(), Collection.WORDS)


def test_all_that_a_manifest_can_name_is_asked_for_below_the_collections_prefix() -> None:
    client: Any = Client()
    store = S3SnapshotStore(client, "ours", Collection.LINES)
    names: Sequence[str] = sorted(
        read_manifest(json.dumps(_manifest()).encode(), Collection.LINES).objects
    )
    for name in names:
        with pytest.raises(NotADirectoryError):
            store.read(name, 1)
    assert client.asked == [("ours", f"snapshots/receipt_lines/{name}") for name in names]


def _manifest() -> dict[str, Any]:
    path: Path = sorted(DATA.glob(f"{PREFIX}*"))[-1] / "objects" / "manifest.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content
