"""Sizes of the built packages, and the limits that they must keep.

Lambda's own are 250 MiB unzipped and, for a direct upload, 50 MB zipped
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). Ours are far lower,
because a cold start pays for every byte.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from deployment_package.errors import PackageError

MIB: Final = 2**20
MB: Final = 10**6


@dataclass(frozen=True)
class Limit:
    """Bytes; `zipped` is None where unzipped says it all."""

    unzipped: int
    zipped: int | None = None


LIMITS: Final[Mapping[str, Limit]] = {
    "StreamProcessorFunction": Limit(15 * MIB),
    "CompactorFunction": Limit(150 * MIB, 60 * MB),
}
"""By logical id in template.yaml, which is the name of the folder that `sam build` fills."""


@dataclass(frozen=True)
class Size:
    """Bytes of one built package, and what it may have."""

    function: str
    unzipped: int
    zipped: int
    limit: Limit

    @property
    def fits(self) -> bool:
        small = self.limit.zipped is None or self.zipped <= self.limit.zipped
        return small and self.unzipped <= self.limit.unzipped


def measure(built: Path, function: str) -> Size:
    """Size of one package below the build folder. Raises PackageError if it was not built."""
    folder = built / function
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise PackageError(f"{folder} holds no package: run `sam build` first")
    unzipped = sum(path.stat().st_size for path in files)
    return Size(function, unzipped, _zipped(folder, files), LIMITS[function])


def _zipped(folder: Path, files: list[Path]) -> int:
    """Bytes of the archive that `sam deploy` would make of these files."""
    with TemporaryFile() as archive:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
            for path in files:
                content.write(path, path.relative_to(folder))
        return archive.tell()
