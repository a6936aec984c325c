"""Builds the site in build/site, and fails if a link or a reference of it leads nowhere.

    .venv/docs/bin/python -m documentation

It runs in the environment of the documentation tools, and takes the folder that it is started in
for the project.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from documentation.links import problems
from documentation.pages import collect


def main() -> int:
    """Return the exit status: 0 if the site is built and complete."""
    project = Path.cwd()
    site = project / "build/site"
    collect(project, project / "build/pages")
    shutil.rmtree(site, ignore_errors=True)
    if not _built(project):
        return 1
    found = problems(site)
    print(*found, f"{len(found)} broken links in {site}", sep="\n")
    return 1 if found else 0


def _built(project: Path) -> bool:
    """Return whether Zensical built the site without a warning.

    It prints each warning with the line of the page. Its traceback at the end says only that there
    were warnings, unless there were none: then it says what went wrong.
    """
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"],
        cwd=project,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
