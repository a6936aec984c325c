"""Writes docs/licences.md: the packages of the functions and the command line with licences.

    python -m tests.security.licences

The source is the metadata of the installed distributions that `receipt-chroma-sync` requires,
without the extras for development.
"""

import re
import sys
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, cast

from packaging.requirements import Requirement

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "licences.md"
PROJECT: Final = "receipt-chroma-sync"
_HEAD: Final = """\
# Licences

Of everything that runs with this project: what a function carries ({functions}),
and what `receipt-sync` needs besides. Read from the packages' own metadata, and written by
`.venv/bin/python -m tests.security.licences`; a test compares. This project is MIT.

Versions are those of requirements.lock. What a package bundles in turn (Chroma's compiled core,
NumPy's OpenBLAS) is named in its own licence files, which stay in the deployment package.

| package | licence | carried by |
|---|---|---|
"""
_FUNCTIONS: Final = ("stream_processor", "compactor")
_CLASSIFIER: Final = "License :: OSI Approved :: "
_LONGEST: Final = 60
_KNOWN: Final = {
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD License": "BSD",
    "BSD": "BSD",
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Name of a licence in the metadata → its SPDX identifier."""


def document() -> str:
    """Return the document for the installed distributions."""
    carried = {name: _carried_by(name) for name in _FUNCTIONS}
    rows = [
        f"| {name} | {licence(found)} | "
        f"{', '.join(f'`{f}`' for f in _FUNCTIONS if name in carried[f]) or '–'} |"
        for name, found in sorted(needed().items())
    ]
    functions = " and ".join(f"`{name}`" for name in _FUNCTIONS)
    return _HEAD.format(functions=functions) + "\n".join(rows) + "\n"


def needed() -> dict[str, Distribution]:
    """Return every distribution that the project needs at run time, by its normalised name."""
    found: dict[str, Distribution] = {}
    open_ends = list(_required(distribution(PROJECT), frozenset()))
    while open_ends:
        requirement = open_ends.pop()
        name = _normal(requirement.name)
        try:
            present = distribution(name)
        except PackageNotFoundError:
            continue  # a requirement of another platform or Python
        if name not in found or requirement.extras:
            found[name] = present
            open_ends += _required(present, frozenset(requirement.extras))
    return found


def licence(found: Distribution) -> str:
    """Return the licence of a distribution: an SPDX expression, or the nearest text."""
    metadata = cast("Message", found.metadata)
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classified = [
        each.removeprefix(_CLASSIFIER)
        for each in metadata.get_all("Classifier") or ()
        if each.startswith(_CLASSIFIER)
    ]
    text = str(metadata.get("License") or "").strip()
    names = classified or ([text] if text and len(text) <= _LONGEST else [])
    return " or ".join(_KNOWN.get(name, name) for name in names) or "not said"


def _required(found: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for line in found.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield requirement


def _carried_by(function: str) -> frozenset[str]:
    listed = DOCUMENT.parents[1] / "src" / function / "requirements.txt"
    lines = [line.split("#")[0].strip() for line in listed.read_text().splitlines()]
    return frozenset(_normal(line) for line in lines if line)


def _normal(name: str) -> str:
    """Return the normalised name. Rule:
    Return the normalised name. Rule:
    https://packaging.python.org/en/latest/specifications/name-normalization/

    """
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    DOCUMENT.write_text(document())
    sys.stdout.write(f"{DOCUMENT} is written\n")
