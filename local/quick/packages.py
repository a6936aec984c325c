"""The deployment package of a function: a zip with the same bytes for the same sources."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deployment_package.building import PACKAGES
from deployment_package.errors import PackageError
from local.state import PROJECT

SOURCES: Final = PROJECT / "src"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
_LEFT_OUT: Final = {"__pycache__", "tests", "test"}


def package(sources: Path, function: str, vendored: Path | None = None) -> bytes:
    """Return a zip of the packages below `sources` that `function` needs.

    It includes the installed dependencies below `vendored`, if given. Raises PackageError if a
    package is absent.
    """
    members: dict[str, Path] = {}
    for name in PACKAGES[function]:
        members |= _members(sources, _existing(sources, name))
    if vendored is not None:
        members |= _members(vendored, vendored)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, members[name].read_bytes())
    return content.getvalue()


def _existing(sources: Path, name: str) -> Path:
    folder = sources / name
    if not (folder / "__init__.py").exists():
        raise PackageError(f"{folder} is not a Python package: give the folder that holds {name}")
    return folder


def _members(root: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        parts = path.relative_to(root).parts
        if path.is_file() and path.suffix != ".pyc" and not _LEFT_OUT.intersection(parts):
            yield "/".join(parts), path
