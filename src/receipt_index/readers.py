"""The choice between a reader of a snapshot and a reader of a Chroma server."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from receipt_index.clients import s3_client
from receipt_index.reader import Reader
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.errors import SettingsError
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings, NonEmpty

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ReaderSettings(ChromaSettings):
    """Settings of a program that reads. Each is an environment variable, in capital letters."""

    snapshot_bucket: NonEmpty
    """The bucket of the deployment, which holds the manifests, for a Chroma server too."""
    snapshot_folder: Path | None = None
    """The folder for the copies. Only CHROMA_TARGET=local needs it."""


def open_reader(
    collection: Collection | str,
    settings: ReaderSettings | Mapping[str, str] | None = None,
    *,
    s3: "S3Client | None" = None,
) -> Reader:
    """Return a reader of a collection, as CHROMA_TARGET says.

    `settings` are settings, or environment variables; None means those of the process. The reader
    fetches nothing before the first `refresh`. Raises SettingsError for a missing or wrong
    variable, and ValueError for an unknown collection.
    """
    if not isinstance(settings, ReaderSettings):
        settings = ReaderSettings.read(settings)
    folder = settings.snapshot_folder
    if folder is None and settings.chroma_target == "local":
        raise SettingsError(
            "environment variable SNAPSHOT_FOLDER is not set: set it to a folder on a disk with "
            "room for two copies of the snapshot"
        )
    return choose_reader(
        collection, settings, s3 or s3_client(), settings.snapshot_bucket, folder or Path()
    )


def choose_reader(
    collection: Collection | str,
    settings: ChromaSettings,
    s3: "S3Client",
    bucket: str,
    folder: Path,
) -> Reader:
    """Return a reader of a collection in `bucket`. Only a snapshot's reader uses `folder`."""
    if settings.chroma_target == "local":
        return SnapshotReader.open(collection, bucket=bucket, folder=folder, s3=s3)
    # Import this here, because most readers need no HTTP client.
    from receipt_index.server.reader import ServerReader

    return ServerReader.open(collection, bucket=bucket, settings=settings, s3=s3)
