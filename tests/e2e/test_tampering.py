"""`verify` reports changes of the published snapshot that the table does not have."""

from datetime import timedelta
from pathlib import Path

import pytest

from receipt_index.exact.index import ExactIndex
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import NewVector
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from tests.e2e.conftest import System


@pytest.fixture(scope="module")
def loaded(system: System) -> System:
    assert system.command("load", "--synthetic", "3", "--seed", "21").code == 0
    system.settled()
    return system


def working_copy(system: System, folder: Path) -> WorkingCopy:
    connection = system.connection
    return WorkingCopy(
        S3SnapshotStore(connection.s3, connection.names.bucket, Collection.WORDS),
        Collection.WORDS,
        folder,
        open_exact_chroma,
        SystemClock(),
        CopySettings("a tamperer", timedelta(days=1)),
    )


def test_one_record_that_was_tampered_with_is_named_and_the_exit_code_is_1(
    loaded: System, tmp_path: Path
) -> None:
    copy = working_copy(loaded, tmp_path)
    index = copy.checkout()
    assert isinstance(index, ExactIndex)
    victim = next(index.ids())
    copy.mark_dirty()
    index.update({victim: {"merchant_name": "Another Merchant"}})
    copy.publish(index.count())
    copy.close()

    answer = loaded.command("verify", "--freshness-goal", "3", "--json")
    assert answer.code == 1
    verdict = answer.json
    counts = [verdict[name] for name in ("missing", "unexpected", "different")]
    assert counts == [0, 0, 1]
    (example,) = verdict["examples"]
    assert example["id"] == victim
    assert example["collection"] == "receipt_words"
    assert example["fields"]["merchant_name"]["snapshot"] == "Another Merchant"


def test_a_record_that_was_taken_out_is_missing_and_one_put_in_is_unexpected(
    loaded: System, tmp_path: Path
) -> None:
    copy = working_copy(loaded, tmp_path)
    index = copy.checkout()
    assert isinstance(index, ExactIndex)
    ids = list(index.ids())
    stranger = ids[1].rsplit("#", 1)[0] + "#99999"
    copy.mark_dirty()
    index.delete(ids[-1:])
    _insert(index, ids[1], stranger)
    copy.publish(index.count())
    copy.close()

    answer = loaded.command("verify", "--freshness-goal", "3", "--json")
    assert answer.code == 1
    found = {example["finding"]: example["id"] for example in answer.json["examples"]}
    assert found["missing"] == ids[-1]
    assert found["unexpected"] == stranger


def _insert(index: ExactIndex, like: str, chroma_id: str) -> None:
    vector = index.vectors([like])[like]
    index.insert([NewVector(chroma_id, vector, "x", {"text": "x"})])
