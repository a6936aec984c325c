"""Collects the pages of the site in one folder, where each has the path that it has in git.

Zensical reads one folder and follows no link to another. README.md and the pages of docs/ refer to
each other by path, so the copies keep their paths, and every link works on GitHub and on the site.
"""

import shutil
from pathlib import Path
from typing import Final

PAGES: Final = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "terraform/README.md",
    "examples/README.md",
    "examples/search_service/README.md",
    "examples/embedding_pipeline/README.md",
    "examples/embedding_pipeline_plain/README.md",
)
"""The pages outside docs/."""


def collect(project: Path, folder: Path) -> None:
    """Copy the pages, and the pictures of docs/, to a folder that this function makes anew."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(project / "docs", folder / "docs")
    for page in PAGES:
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / page, folder / page)
