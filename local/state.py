"""The state folder: all files of one local AWS below one path."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.errors import StateFolderError

PROJECT: Final = Path(__file__).resolve().parents[1]
DEFAULT: Final = PROJECT / ".local"
_MARKER: Final = "receipt-sync-local"


@dataclass(frozen=True)
class State:
    """Paths of one state folder. `locked` creates the folder."""

    path: Path

    @classmethod
    def at(cls, path: Path | None = None) -> "State":
        """Return the state folder at `path`, or the project's own."""
        return cls((path or DEFAULT).resolve())

    @property
    def server(self) -> Path:
        """Return the file that records the started process."""
        return self.path / "server.json"

    @property
    def stack(self) -> Path:
        """Return the file that records the provisioned stack."""
        return self.path / "stack.json"

    @property
    def log(self) -> Path:
        """Return the log file of MiniStack."""
        return self.path / "ministack.log"

    @property
    def temporary(self) -> Path:
        """Return the TMPDIR of MiniStack. It holds unpacked functions."""
        return self.path / "tmp"

    @property
    def working_copies(self) -> Path:
        """Return the WORKING_COPY_ROOT of the compactor."""
        return self.path / "working-copies"

    @property
    def terraform(self) -> Path:
        """Return the folder of Terraform's files and state, if Terraform provisioned the stack."""
        return self.path / "terraform"

    @property
    def packages(self) -> Path:
        """Return the folder of the packages that `sam build` makes, and of dependencies to pack."""
        return self.path / "packages"

    @property
    def endpoint(self) -> Path:
        """Return the file that records Terraform's endpoint.

        It is written before Terraform runs.
        """
        return self.path / "endpoint"

    @property
    def claimed(self) -> bool:
        """Return whether the folder exists and is a state folder."""
        return (self.path / _MARKER).exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder if needed, and lock out other commands for the block.

        Raises StateFolderError.
        """
        self._claim()
        with (self.path / _MARKER).open("a") as marker:
            try:
                fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StateFolderError(
                    f"another command works on {self.path}: wait until it is done"
                ) from error
            yield

    def must_not_be(self, name: str) -> None:
        """Raise StateFolderError if the file exists that the other way of provisioning creates."""
        if (self.path / name).exists():
            raise StateFolderError(
                f"{self.path} holds a stack that the other command created (`make up` or "
                "`python -m local up`): run `down` first"
            )

    def remove(self) -> None:
        """Delete the folder with its content. Raises StateFolderError if it is no state folder."""
        if self.claimed:
            shutil.rmtree(self.path)
        elif self.path.exists():
            raise self._not_ours()

    def _claim(self) -> None:
        if self.claimed:
            return
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise self._not_ours()
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / _MARKER).write_text(
            "State of `python -m local`; `down` removes this folder.\n"
        )

    def _not_ours(self) -> StateFolderError:
        return StateFolderError(
            f"{self.path} holds files that do not belong to a local AWS: give --state a new folder"
        )
