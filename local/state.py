"""The state folder: what one local AWS leaves on disk, all of it below one path."""

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
    """Paths of one state folder. Nothing exists until `locked` makes it."""

    path: Path

    @classmethod
    def at(cls, path: Path | None = None) -> "State":
        """The folder at `path`, or the project's own."""
        return cls((path or DEFAULT).resolve())

    @property
    def server(self) -> Path:
        """The process that was started."""
        return self.path / "server.json"

    @property
    def stack(self) -> Path:
        """What was provisioned."""
        return self.path / "stack.json"

    @property
    def log(self) -> Path:
        return self.path / "ministack.log"

    @property
    def temporary(self) -> Path:
        """TMPDIR of MiniStack: unpacked functions lie here."""
        return self.path / "tmp"

    @property
    def working_copies(self) -> Path:
        """WORKING_COPY_ROOT of the compactor."""
        return self.path / "working-copies"

    @property
    def terraform(self) -> Path:
        """Terraform's files and its state, where it provisioned the stack."""
        return self.path / "terraform"

    @property
    def packages(self) -> Path:
        """What `sam build` makes, or what is installed to be packed."""
        return self.path / "packages"

    @property
    def endpoint(self) -> Path:
        """Where Terraform works, noted before it creates anything."""
        return self.path / "endpoint"

    @property
    def claimed(self) -> bool:
        """Whether the folder is there and is ours."""
        return (self.path / _MARKER).exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder ours, then keep other commands off it. Raises StateFolderError."""
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
        """Raise StateFolderError if the file is there that the other way of provisioning leaves."""
        if (self.path / name).exists():
            raise StateFolderError(
                f"{self.path} holds a stack that was provisioned the other way, which `make up` "
                "and `python -m local up` are to each other: run `down` first"
            )

    def remove(self) -> None:
        """Delete the folder and all that it holds. Raises StateFolderError if it is not ours."""
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
            f"{self.path} holds something else than a local AWS: give --state a new folder"
        )
