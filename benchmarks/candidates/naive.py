"""The naive way: download the whole snapshot, update it, upload it.

Files are transferred in parallel and in parts, by boto3's transfer manager. In its favour, the
naive way takes no lease, does not read the table, and reads nothing back.
"""

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.meters.corpus import COLLECTION
from receipt_index.chroma import ChromaIndex
from receipt_index.snapshot.format.pages import list_files

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PREFIX: Final = "chroma/"
_FILES_AT_A_TIME: Final = 4


class WholeSnapshot:
    """A snapshot with one object for each file, in a bucket without versioning."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def update(self, folder: Path, values: Mapping[str, dict[str, Any]]) -> None:
        """Write new metadata, by Chroma id, into the snapshot. `folder` is a working folder."""
        self.download(folder)
        index = ChromaIndex(folder, COLLECTION)
        index.update(values)
        index.close()
        self.upload(folder)
        shutil.rmtree(folder)

    def download(self, folder: Path) -> None:
        """Fetch every file."""
        listed = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=_PREFIX)
        _in_parallel(
            [
                (self._fetch, (entry["Key"], folder / entry["Key"].removeprefix(_PREFIX)))
                for entry in listed["Contents"]
            ]
        )

    def upload(self, folder: Path) -> None:
        """Store every file."""
        files = list_files(folder)
        _in_parallel([(self._store, (path, _PREFIX + name)) for name, path in files.items()])

    def _fetch(self, key: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._s3.download_file(self._bucket, key, str(path))

    def _store(self, path: Path, key: str) -> None:
        self._s3.upload_file(str(path), self._bucket, key)


def _in_parallel(calls: list[tuple[Any, tuple[Any, ...]]]) -> None:
    with ThreadPoolExecutor(_FILES_AT_A_TIME) as pool:
        for done in [pool.submit(call, *arguments) for call, arguments in calls]:
            done.result()
