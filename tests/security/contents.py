"""Finds secrets and receipts, which no package and no file of the project may hold."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SECRETS: Final = {
    "an AWS access key": re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "an AWS secret key": re.compile(
        rb"(?i)aws_secret_access_key[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}\b"
    ),
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"),
    "a GitHub token": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,})"),
    "a Chroma Cloud key": re.compile(rb"\bck-[A-Za-z0-9]{40,}\b"),
    "a password in a URL": re.compile(
        rb"\b[a-z]+://[^\s:/@\"'{}$]+:[^\s:/@\"'{}$]{3,}@[\w.-]+\.\w"
    ),
}
_NOT_OURS: Final = frozenset({"build", "node_modules", "__pycache__"})


def secrets_in(content: bytes) -> list[str]:
    """Return the kinds of secrets in a file, by their shape."""
    return [kind for kind, pattern in SECRETS.items() if pattern.search(content)]


def kept_files(project: Path) -> Iterator[Path]:
    """Yield every file of the project outside hidden and built folders."""
    for path in sorted(project.iterdir()):
        if path.name.startswith(".") and path.name not in (".github", ".ci", ".gitignore"):
            continue
        if path.name in _NOT_OURS or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            yield from kept_files(path)
        elif path.suffix != ".pyc":
            yield path
