"""Applies terraform/ to the local AWS, with its state below the state folder.

The files are the ones that deploy to AWS. Their copy differs in one respect. It keeps the state in
a local file instead of the bucket of the project's backend.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.commands import find_tool, lines_of, run
from local.progress import Counter
from local.state import PROJECT

SOURCES: Final = PROJECT / "terraform"
_BACKEND: Final = 'terraform {\n  backend "local" {}\n}\n'
_VARIABLES: Final = "-var-file=environments/local.tfvars"
_INSTEAD: Final = "provision without it: .venv/bin/python -m local up"


@dataclass(frozen=True)
class Terraform:
    """The program, the copy of the files, and the environment of one local AWS."""

    program: str
    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def at(cls, folder: Path, environment: Mapping[str, str]) -> "Terraform":
        """Return Terraform for a folder and an environment. Raises MissingToolError."""
        program = find_tool("terraform", _INSTEAD)
        return cls(program, folder, {**environment, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"})

    def init(self) -> None:
        """Copy the files next to the existing state, and initialise. Raises ToolFailedError."""
        ignored = shutil.ignore_patterns(".terraform", "*.tfstate*", "tests", "tfplan")
        shutil.copytree(SOURCES, self.folder, ignore=ignored, dirs_exist_ok=True)
        (self.folder / "backend_override.tf").write_text(_BACKEND)
        self._run("init", "-no-color")

    def apply(self, count: Counter) -> None:
        """Create or update the data resources. Raises ToolFailedError."""
        self._counting(count, "apply", "-auto-approve", "-json", _VARIABLES)

    def destroy(self, count: Counter) -> None:
        """Delete the data resources with their data. Raises ToolFailedError."""
        self._counting(count, "destroy", "-auto-approve", "-json", _VARIABLES)

    def _run(self, *arguments: str) -> None:
        run([self.program, *arguments], self.folder, self.environment)

    def _counting(self, count: Counter, *arguments: str) -> None:
        done, total = 0, 0
        with lines_of([self.program, *arguments], self.folder, self.environment) as lines:
            for event in map(_event, lines):
                if event.get("type") == "change_summary":
                    changes = event["changes"]
                    total = changes["add"] + changes["change"] + changes["remove"]
                elif event.get("type") == "apply_complete":
                    done += 1
                count(done, total)


def _event(line: str) -> dict[str, Any]:
    """Return the event of an output line, or an empty dict for a line that is not JSON.

    Format: https://developer.hashicorp.com/terraform/internals/machine-readable-ui
    """
    try:
        event = json.loads(line)
    except ValueError:
        return {}  # The line is plain text.
    return event if isinstance(event, dict) else {}
