# ruff: noqa: N803 boto3's own argument names
"""An object store with strong consistency, ETags, conditional writes, and faults."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import md5
from io import BytesIO
from typing import Any, NamedTuple, Protocol

from receipt_sync.keys import Collection
from tests.reliability.simulation.environment.aws_errors import refused, unreachable
from tests.reliability.simulation.environment.gate import Gate
from tests.reliability.simulation.environment.threads import START
from tests.reliability.simulation.faults.faults import UNANSWERED, Kind, Side

MANIFEST = "manifest.json"


class Stored(NamedTuple):
    """One stored object."""

    data: bytes
    etag: str
    at: float = 0.0
    """The time at which it was stored."""


class Watcher(Protocol):
    """Observes the publishes and deletions of a snapshot."""

    def on_publish(self, collection: Collection, data: bytes) -> None: ...

    def on_delete(self, collection: Collection, name: str) -> None: ...


class ObjectStore:
    """The objects of the bucket. It calls the watcher for every put of a manifest."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.objects: dict[str, Stored] = {}
        self.versions: dict[str, list[Stored]] = defaultdict(list)
        """All versions of each manifest, oldest first."""
        self.former: dict[str, Stored] = {}
        """The previous version of each overwritten object."""
        self.watcher: Watcher | None = None

    def put(self, key: str, data: bytes) -> str:
        etag = f'"{md5(data).hexdigest()}"'
        if key in self.objects:
            self.former[key] = self.objects[key]
        self.overwrite(key, Stored(data, etag, self._now()))
        if self.watcher and key.endswith(MANIFEST):
            self.watcher.on_publish(_collection(key), data)
        return etag

    def overwrite(self, key: str, stored: Stored) -> None:
        """Store an object without a call to the watcher."""
        self.objects[key] = stored
        if key.endswith(MANIFEST):
            self.versions[key].append(stored)

    def remove(self, key: str) -> None:
        if self.objects.pop(key, None) is not None and self.watcher:
            self.watcher.on_delete(_collection(key), key.split("/", 2)[2])


class S3Client:
    """Implements the calls of boto3's S3 client that the project uses."""

    def __init__(self, store: ObjectStore, gate: Gate) -> None:
        self._store, self._gate = store, gate

    def get_object(
        self, Bucket: str, Key: str, IfNoneMatch: str | None = None, VersionId: str | None = None
    ) -> dict[str, Any]:
        if VersionId is not None:
            return self._version(Key, VersionId)

        def effect(special: Kind | None) -> dict[str, Any]:
            stored = self._store.objects.get(Key)
            if special is Kind.STALE and IfNoneMatch is not None:
                raise refused("GetObject", 304, "304")
            if special is Kind.STALE:
                stored = self._store.former.get(Key, stored)
            if stored is None:
                raise refused("GetObject", 404, "NoSuchKey")
            if IfNoneMatch == stored.etag:
                raise refused("GetObject", 304, "304")
            return _got(stored)

        specials = (Kind.STALE,) if Key.endswith(MANIFEST) else ()
        return self._call(_step("get", Key), effect, "GetObject", *specials)

    def get_paginator(self, operation: str) -> "Paginator":
        listing = {
            "list_objects_v2": self._objects,
            "list_object_versions": self._versions,
        }[operation]
        return Paginator(
            lambda prefix: self._call("objects.list", lambda _: listing(prefix), "ListObjects")
        )

    def _objects(self, prefix: str) -> dict[str, Any]:
        return {
            "Contents": [
                {"Key": key, "Size": len(one.data), "LastModified": START + timedelta(0, one.at)}
                for key, one in sorted(self._store.objects.items())
                if key.startswith(prefix)
            ]
        }

    def _versions(self, prefix: str) -> dict[str, Any]:
        return {
            "Versions": [
                {
                    "Key": key,
                    "VersionId": str(number),
                    "LastModified": START + timedelta(0, versions[number].at),
                }
                for key, versions in sorted(self._store.versions.items())
                if key.startswith(prefix)
                for number in reversed(range(len(versions)))
            ]
        }

    def _version(self, key: str, version_id: str) -> dict[str, Any]:
        stored = self._store.versions[key][int(version_id)]
        return self._call("manifest.version", lambda _: _got(stored), "GetObject")

    def put_object(
        self,
        Bucket: str,
        Key: str,
        Body: bytes,
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
        ContentType: str = "",
    ) -> dict[str, Any]:
        def effect(special: Kind | None) -> dict[str, Any]:
            if special is Kind.CONFLICT:
                raise refused("PutObject", 409, "ConditionalRequestConflict")
            present = self._store.objects.get(Key)
            if IfMatch is not None and present is None:
                raise refused("PutObject", 404, "NoSuchKey")
            if IfMatch is not None and present is not None and present.etag != IfMatch:
                raise refused("PutObject", 412, "PreconditionFailed")
            if IfNoneMatch == "*" and present is not None:
                raise refused("PutObject", 412, "PreconditionFailed")
            return {"ETag": self._store.put(Key, bytes(Body))}

        step = "manifest.swap" if Key.endswith(MANIFEST) else _step("put", Key)
        specials: tuple[Kind, ...] = (Kind.REPEATED,)
        if step == "manifest.swap":
            specials = (Kind.CONFLICT, Kind.LOST, Kind.REPEATED)
        return self._call(step, effect, "PutObject", *specials)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        def effect(special: Kind | None) -> dict[str, Any]:
            keys = [entry["Key"] for entry in Delete["Objects"]]
            refused_ = keys[::2] if special is Kind.PARTIAL else []
            for key in keys:
                if key not in refused_:
                    self._store.remove(key)
            return {"Errors": [{"Key": key, "Code": "InternalError"} for key in refused_]}

        return self._call("objects.delete", effect, "DeleteObjects", Kind.PARTIAL, *UNANSWERED)

    def list_objects_v2(self, Bucket: str, Prefix: str, MaxKeys: int) -> dict[str, Any]:
        def effect(_: Kind | None) -> dict[str, Any]:
            keys = sorted(key for key in self._store.objects if key.startswith(Prefix))
            return {"Contents": [{"Key": key} for key in keys[:MaxKeys]]}

        return self._call("objects.list", effect, "ListObjectsV2")

    def _call(
        self,
        step: str,
        effect: Callable[[Kind | None], dict[str, Any]],
        operation: str,
        *specials: Kind,
    ) -> dict[str, Any]:
        def error(side: Side) -> Exception:
            if side is Side.BEFORE:
                return refused(operation, 503, "SlowDown")
            return unreachable()

        return self._gate.call(step, effect, error, *specials)


class Paginator:
    """Implements boto3's paginator with a single page."""

    def __init__(self, page: Callable[[str], dict[str, Any]]) -> None:
        self._page = page

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        yield self._page(Prefix)


def _got(stored: Stored) -> dict[str, Any]:
    body = BytesIO(stored.data)
    return {"Body": body, "ETag": stored.etag, "ContentLength": len(stored.data)}


def _step(verb: str, key: str) -> str:
    kinds = {"blocks": "block", "packs": "pack", "deltas": "delta", MANIFEST: "manifest"}
    return next((f"{kind}.{verb}" for part, kind in kinds.items() if part in key), f"object.{verb}")


def _collection(key: str) -> Collection:
    return Collection(key.split("/")[1])
