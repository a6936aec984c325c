"""A real Chroma server for a test: `chroma run` on a free port of this machine."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import chromadb
import httpx
from chromadb.api import ClientAPI

from receipt_sync.settings import ChromaSettings

_START_SECONDS = 60


class ChromaServer:
    """A server that can start again on the same port and folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> ChromaSettings:
        """Return the settings with which a client reaches the server."""
        return ChromaSettings(chroma_target="http", chroma_host="127.0.0.1", chroma_port=self.port)

    @property
    def environment(self) -> dict[str, str]:
        """Return the same settings as environment variables of a function."""
        return {
            "CHROMA_TARGET": "http",
            "CHROMA_HOST": "127.0.0.1",
            "CHROMA_PORT": str(self.port),
        }

    def client(self, database: str) -> ClientAPI:
        """Return Chroma's client, for calls that the compactor never makes."""
        return chromadb.HttpClient("127.0.0.1", self.port, database=database)

    def create_database(self, name: str) -> None:
        """Create a database beside the default one."""
        url = f"http://127.0.0.1:{self.port}/api/v2/tenants/default_tenant/databases"
        httpx.post(url, json={"name": name}, trust_env=False).raise_for_status()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command = Path(sys.executable).with_name("chroma")
        place = ["--path", str(self.folder / "data"), "--host", "127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(command), "run", *place, "--port", str(self.port)],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, "chroma run did not answer in time"
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server. Its data stays in its folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/api/v2/heartbeat"
            return httpx.get(url, timeout=1, trust_env=False).is_success
        except httpx.HTTPError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
