"""What the S3 adapter makes of answers that are lost, with S3's conditions in memory."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.errors import (
    ObjectsNotDeletedError,
    PublishRefusedError,
    SnapshotDamagedError,
    SnapshotForbiddenError,
)
from receipt_sync.keys import Collection
from tests.support.fakes.lost_answers import LosingAnswers

KEY = "snapshots/receipt_lines/manifest.json"


class S3:
    """Conditional puts and gets of a bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Key: str, Body: bytes, **condition: Any) -> dict[str, Any]:  # noqa: N803
        present = self.objects.get(Key)
        wanted = condition.get("IfMatch")
        if wanted is not None and (present is None or wanted != _tag(present)):
            raise _error(404 if present is None else 412, "PreconditionFailed")
        if "IfNoneMatch" in condition and present is not None:
            raise _error(412, "PreconditionFailed")
        self.objects[Key] = Body
        return {"ETag": _tag(Body)}

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise _error(404, "NoSuchKey")
        data = self.objects[Key]
        return {"Body": io.BytesIO(data), "ETag": _tag(data), "ContentLength": len(data)}


def _tag(data: bytes) -> str:
    return f'"{data.hex()}"'


def _error(status: int, code: str) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutObject")


def store_on(client: Any) -> S3SnapshotStore:
    return S3SnapshotStore(client, "bucket", Collection.LINES)


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("before", [None, b"version 1"])
def test_a_publish_whose_answer_is_lost_succeeds_if_the_manifest_is_ours(
    before: bytes | None, repeated: bool
) -> None:
    s3 = S3()
    expected = None
    if before is not None:
        expected = s3.put_object(KEY, before)["ETag"]
    store = store_on(LosingAnswers(s3, "put_object", repeated=repeated))
    assert store.swap_manifest(b"version 2", expected) == _tag(b"version 2")


@pytest.mark.parametrize("status", [409, 412, 404])
def test_a_publish_is_refused_if_the_manifest_is_anothers(status: int) -> None:
    s3 = S3()
    s3.put_object(KEY, b"another's")
    s3.put_object = lambda **_: _raise(_error(status, "any"))  # type: ignore[method-assign]
    with pytest.raises(PublishRefusedError, match="no longer the version checked out"):
        store_on(s3).swap_manifest(b"ours", _tag(b"before"))


def test_a_publish_that_was_not_carried_out_raises_the_clients_own_error() -> None:
    s3 = S3()
    expected = s3.put_object(KEY, b"version 1")["ETag"]
    s3.put_object = lambda **_: _raise(ReadTimeoutError(endpoint_url="s3"))  # type: ignore[method-assign]
    with pytest.raises(ReadTimeoutError):
        store_on(s3).swap_manifest(b"version 2", expected)


def test_an_error_of_the_service_after_the_effect_is_a_success() -> None:
    s3, put = S3(), S3.put_object

    def failing(Key: str, Body: bytes, **condition: Any) -> Any:  # noqa: N803
        put(s3, Key, Body, **condition)
        raise _error(500, "InternalError")

    s3.put_object = failing  # type: ignore[method-assign]
    assert store_on(s3).swap_manifest(b"version 1", None) == _tag(b"version 1")


def test_a_refusal_of_permission_is_passed_on_without_a_look() -> None:
    s3 = S3()
    s3.put_object = lambda **_: _raise(_error(403, "AccessDenied"))  # type: ignore[method-assign]
    s3.get_object = lambda **_: pytest.fail("nothing can have been written")  # type: ignore[method-assign]
    with pytest.raises(ClientError, match="AccessDenied"):
        store_on(s3).swap_manifest(b"version 1", None)


def test_objects_that_s3_did_not_delete_are_named() -> None:
    s3 = S3()
    s3.delete_objects = lambda **_: {  # type: ignore[attr-defined]
        "Errors": [{"Key": "snapshots/receipt_lines/packs/b", "Code": "InternalError"}]
    }
    with pytest.raises(
        ObjectsNotDeletedError, match=r"1 objects were not deleted \(InternalError\)"
    ) as found:
        store_on(s3).delete(["packs/a", "packs/b"])
    assert found.value.names == ["packs/b"]


def test_a_delete_without_an_answer_names_all_of_its_objects_and_goes_on() -> None:
    s3 = S3()
    asked: list[str] = []

    def silent(Delete: dict[str, Any], **_: Any) -> Any:  # noqa: N803
        asked.extend(entry["Key"] for entry in Delete["Objects"])
        raise ReadTimeoutError(endpoint_url="s3")

    s3.delete_objects = silent  # type: ignore[attr-defined]
    names = [f"packs/{number}" for number in range(1500)]
    with pytest.raises(ObjectsNotDeletedError) as found:
        store_on(s3).delete(names)
    assert found.value.names == names
    assert len(asked) == 1500


def test_a_call_deletes_as_many_objects_as_s3_allows_and_no_more() -> None:
    s3 = S3()
    calls: list[int] = []

    def counted(Delete: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        calls.append(len(Delete["Objects"]))
        return {}

    s3.delete_objects = counted  # type: ignore[attr-defined]
    for number in (0, 1, 1000, 1001, 2000):
        store_on(s3).delete(f"packs/{n}" for n in range(number))
    assert calls == [1, 1000, 1000, 1, 1000, 1000]


@pytest.mark.parametrize("what", ["an object", "the manifest"])
def test_a_body_that_is_longer_than_allowed_is_closed_and_not_read(what: str) -> None:
    """An open body holds a connection. A body that is read takes memory."""
    s3, bodies = S3(), []

    class Endless(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            return pytest.fail("the body was read")

    def giant(**_: Any) -> dict[str, Any]:
        bodies.append(Endless())
        return {"Body": bodies[-1], "ETag": "t", "ContentLength": 2**40}

    s3.get_object = giant  # type: ignore[method-assign,assignment]
    store = store_on(s3)
    with pytest.raises(SnapshotDamagedError, match=r"has 1099511627776 bytes, but at most \d+"):
        store.read("packs/a", 1000) if what == "an object" else store.manifest(None)
    assert [body.closed for body in bodies] == [True]


def test_an_object_that_was_written_lies_under_its_collection_and_is_read_back() -> None:
    s3 = S3()
    s3.put_object = lambda Key, Body, **_: s3.objects.update({Key: Body})  # type: ignore[method-assign,assignment] # noqa: N803
    store_on(s3).write("packs/a", b"content")
    assert s3.objects == {"snapshots/receipt_lines/packs/a": b"content"}
    assert store_on(s3).read("packs/a", 7) == b"content"


def test_an_object_of_just_the_allowed_length_is_read() -> None:
    s3 = S3()
    s3.put_object("snapshots/receipt_lines/packs/a", b"12345")
    assert store_on(s3).read("packs/a", 5) == b"12345"
    with pytest.raises(SnapshotDamagedError):
        store_on(s3).read("packs/a", 4)


def test_a_403_is_a_sentence_that_names_the_permissions() -> None:
    s3 = S3()
    s3.get_object = lambda **_: _raise(_error(403, "AccessDenied"))  # type: ignore[method-assign]
    reads: tuple[Callable[[S3SnapshotStore], object], ...] = (
        lambda store: store.manifest(None),
        lambda store: store.read("packs/a", 1),
    )
    for read in reads:
        with pytest.raises(SnapshotForbiddenError, match="s3:ListBucket on the bucket"):
            read(store_on(s3))


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"])
def test_a_403_of_unknown_credentials_names_no_permission(code: str) -> None:
    """The commands said that the role lacks s3:GetObject."""
    s3 = S3()
    s3.get_object = lambda **_: _raise(_error(403, code))  # type: ignore[method-assign]
    for read in (lambda: store_on(s3).manifest(None), lambda: store_on(s3).read("packs/a", 1)):
        with pytest.raises(ClientError, match=code):
            read()


def _raise(error: Exception) -> Any:
    raise error
