"""The entries of the project's lock file that one function needs.

`src/{function}/requirements.txt` lists only names. Versions and hashes come from requirements.lock,
so the function runs the versions that the tests ran.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deployment_package.errors import PackageError

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def locked_requirements(names: Path, lock: Path) -> str:
    """Return a requirements file: the lock's entries of the listed names, with their hashes.

    Raises PackageError if a name is not in the lock.
    """
    wanted, entries = _listed(names), list(_entries(lock))
    missing = wanted - {name for name, _ in entries}
    if missing:
        raise PackageError(
            f"{names} lists {', '.join(sorted(missing))}, which {lock.name} lacks: correct the "
            "name, or add the package to pyproject.toml and run `make lock`"
        )
    return "".join(entry for name, entry in entries if name in wanted)


def _listed(names: Path) -> set[str]:
    lines = (line.split("#")[0].strip() for line in names.read_text().splitlines())
    return {_normal(line) for line in lines if line}


def _entries(lock: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each entry.

    An entry is a line that begins with a name, and the indented lines after it.
    """
    for entry in re.split(r"(?m)^(?=\S)", lock.read_text()):
        name = _NAME.match(entry)
        if name:
            yield _normal(name[0]), entry


def _normal(name: str) -> str:
    """Return the normalized name of a package.

    Rule: https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return re.sub(r"[-_.]+", "-", name).lower()
