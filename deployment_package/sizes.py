"""The sizes of the built packages, and their limits.

Lambda's own limits are 250 MiB unzipped and, for a direct upload, 50 MB zipped. The project's
limits are far lower, because a larger package makes a cold start slower.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
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
    """The limits of a package in bytes. `zipped` is None if only the unzipped size has a limit."""

    unzipped: int
    zipped: int | None = None


LIMITS: Final[Mapping[str, Limit]] = {
    "StreamProcessorFunction": Limit(15 * MIB),
    "CompactorFunction": Limit(150 * MIB, 60 * MB),
}
"""By logical id in template.yaml, which is also the name of the folder that `sam build` fills."""


@dataclass(frozen=True)
class Size:
    """The sizes in bytes of one built package, and its limits."""

    function: str
    unzipped: int
    zipped: int
    limit: Limit

    @property
    def fits(self) -> bool:
        """Return whether the package is within its limits."""
        small = self.limit.zipped is None or self.zipped <= self.limit.zipped
        return small and self.unzipped <= self.limit.unzipped


def measure(built: Path, function: str) -> Size:
    """Return the size of one package below the build folder.

    Raises PackageError if it is not built.
    """
    folder = built / function
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise PackageError(f"{folder} holds no package: run `sam build` first")
    unzipped = sum(path.stat().st_size for path in files)
    return Size(function, unzipped, _zipped(folder, files), LIMITS[function])


def _zipped(folder: Path, files: list[Path]) -> int:
    """Return the bytes of the archive that `sam deploy` would make of these files."""
    with TemporaryFile() as archive:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
            for path in files:
                content.write(path, path.relative_to(folder))
        return archive.tell()
