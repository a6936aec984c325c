"""The choice of a reader by CHROMA_TARGET, and what a reader says when it is opened or closed."""

from pathlib import Path
from typing import Any

import pytest

from receipt_index import ReaderSettings, ServerReader, SnapshotReader, open_reader
from receipt_sync.errors import ReaderClosedError, SettingsError
from receipt_sync.keys import Collection

S3: Any = object()
"""A client that is not called."""

LOCAL = {"SNAPSHOT_BUCKET": "bucket", "SNAPSHOT_FOLDER": "/data"}
HTTP = {"SNAPSHOT_BUCKET": "bucket", "CHROMA_TARGET": "http", "CHROMA_HOST": "chroma"}


@pytest.mark.parametrize(("environment", "kind"), [(LOCAL, SnapshotReader), (HTTP, ServerReader)])
def test_the_target_chooses_the_reader(environment: dict[str, str], kind: type) -> None:
    for settings in (environment, ReaderSettings.read(environment)):
        with open_reader("receipt_lines", settings, s3=S3) as reader:
            assert isinstance(reader, kind)
            assert reader.version == 0
            assert reader.published_at is None


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LOCAL.items():
        monkeypatch.setenv(name, value)
    assert isinstance(open_reader(Collection.WORDS, s3=S3), SnapshotReader)


@pytest.mark.parametrize("missing", ["SNAPSHOT_BUCKET", "SNAPSHOT_FOLDER"])
def test_a_missing_variable_is_named(missing: str) -> None:
    environment = {name: value for name, value in LOCAL.items() if name != missing}
    with pytest.raises(SettingsError, match=f"{missing} is not set"):
        open_reader("receipt_lines", environment, s3=S3)


def test_a_server_reader_needs_a_server() -> None:
    settings = ReaderSettings.read(LOCAL)
    with pytest.raises(SettingsError, match="names no server"):
        ServerReader.open("receipt_lines", bucket="bucket", settings=settings, s3=S3)


def test_an_unknown_collection_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="receipt_pages"):
        SnapshotReader.open("receipt_pages", bucket="bucket", folder=tmp_path, s3=S3)


@pytest.mark.parametrize("environment", [LOCAL, HTTP])
def test_a_closed_reader_says_so(environment: dict[str, str]) -> None:
    with open_reader("receipt_lines", environment, s3=S3) as reader:
        pass
    for call in (reader.refresh, reader.count, lambda: reader.follow(1)):
        with pytest.raises(ReaderClosedError, match="receipt_lines is closed"):
            call()
