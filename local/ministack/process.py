"""Starts and stops a private MiniStack, whose files are below one state folder."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from local.errors import StartError, StateFolderError
from local.ministack import health
from local.ministack.processes import ProcessGroup
from local.ministack.server import ANSWERS_AGAIN, TERRAFORM, TIED_TO
from local.quick.names import REGION
from local.state import State
from receipt_ops.sdk import CREDENTIAL

SERVICES: Final = (
    "cloudformation,cloudwatch,dynamodb,dynamodbstreams,iam,kms,lambda,logs,s3,sns,sqs,ssm,sts"
)
"""The AWS services that the system needs."""

_SERVER: Final = Path(__file__).with_name("server.py")
_DEADLINE: Final = 30.0
_TRIES: Final = 3
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True)
class Server:
    """A MiniStack that this package started."""

    pid: int
    began: float
    port: int

    @property
    def endpoint(self) -> str:
        """Return the URL at which it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def group(self) -> ProcessGroup:
        """Return its process group."""
        return ProcessGroup(self.pid, self.began)

    def running(self) -> bool:
        """Return whether the process runs and answers."""
        return self.group.leader_alive() and health.is_ministack(self.endpoint)


def start(
    state: State,
    port: int | None = None,
    tied: bool = False,
    enforce_iam: bool = False,
    for_terraform: bool = False,
    deadline: float = _DEADLINE,
) -> Server:
    """Start a MiniStack on `port` or on a free port, and return it when it is healthy.

    `tied` ends it with this process. `enforce_iam` makes it refuse the calls that a function's role
    does not allow. Otherwise it allows every call. `for_terraform` makes it return the first
    response again if Terraform repeats a call. Raises StartError with the end of its log.
    """
    extra = {"AUTH": "true"} if enforce_iam else {}
    if tied:
        extra[TIED_TO] = str(os.getpid())
    if for_terraform:
        extra[ANSWERS_AGAIN] = TERRAFORM
    # Another process may take a free port before MiniStack does.
    tries = 1 if port else _TRIES
    while True:
        tries -= 1
        try:
            return _start_once(state, port or _free_port(), extra, deadline)
        except StartError:
            if tries == 0:
                raise


def find(state: State) -> Server | None:
    """Return the MiniStack that `state` records, or None if it does not run.

    Raises StateFolderError.
    """
    server = recorded(state)
    return server if server is not None and server.running() else None


def recorded(state: State) -> Server | None:
    """Return the MiniStack that `state` records, whether it runs or not, or None.

    Raises StateFolderError.
    """
    try:
        return Server(**json.loads(state.server.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise StateFolderError(
            f"{state.server} is unreadable: end the MiniStack process manually, and remove "
            f"{state.path}"
        ) from error


def stop(state: State) -> int:
    """End the recorded MiniStack and its workers, and return the number of ended processes."""
    server = recorded(state)
    return 0 if server is None else server.group.stop()


def log_tail(state: State, lines: int = 30) -> str:
    """Return the end of MiniStack's log."""
    try:
        with state.log.open(errors="replace") as log:
            return "".join(deque(log, maxlen=lines))
    except FileNotFoundError:
        return ""


def _start_once(state: State, port: int, extra: dict[str, str], deadline: float) -> Server:
    state.temporary.mkdir(parents=True, exist_ok=True)
    with state.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", str(_SERVER)],
            cwd=state.path,
            env=_environment(state, port) | extra,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    group = ProcessGroup.of(process.pid)
    server = Server(group.pid, group.began, port)
    state.server.write_text(json.dumps(asdict(server)))
    try:
        _wait_until_healthy(process, server, state, deadline)
    except BaseException:  # An interrupt must also end the process.
        _abandon(process, state)
        raise
    return server


def _wait_until_healthy(
    process: subprocess.Popen[bytes], server: Server, state: State, seconds: float
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise StartError(
                f"MiniStack ended at once with exit code {process.returncode}; the end of its "
                f"log:\n{log_tail(state)}"
            )
        if health.is_ministack(server.endpoint):
            return
        time.sleep(0.05)
    raise StartError(
        f"MiniStack was not healthy within {seconds:g} s; the end of its log:\n{log_tail(state)}"
    )


def _abandon(process: subprocess.Popen[bytes], state: State) -> None:
    process.kill()
    process.wait()
    with suppress(FileNotFoundError):
        state.server.unlink()


def _environment(state: State, port: int) -> dict[str, str]:
    """Return the environment of MiniStack and its functions, without the caller's AWS settings."""
    null_device = os.devnull
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "HOME": str(state.temporary),
        "TMPDIR": str(state.temporary),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "SERVICES": SERVICES,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "S3_PERSIST": "0",  # On disk, writes are slower and versions still fill memory.
        # MiniStack would look for containers. The socket does not exist, so that it finds none.
        "DOCKER_HOST": f"unix://{state.temporary}/no-docker",
        "AWS_ACCESS_KEY_ID": CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": null_device,
        "AWS_SHARED_CREDENTIALS_FILE": null_device,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
