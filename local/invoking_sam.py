"""Runs `sam local invoke`, and reads the function's answer, as sam's exit status says nothing."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.clients import CREDENTIAL
from local.errors import LocalAWSError
from local.names import REGION
from local.state import PROJECT

BUILT: Final = PROJECT / ".aws-sam" / "build" / "template.yaml"
_SECONDS: Final = 600
"""The first invocation may have to pull an image."""


class InvocationError(LocalAWSError):
    """A function gave no answer, or an error in place of one."""


@dataclass(frozen=True)
class Sam:
    """`sam local invoke` with one environment file."""

    variables: Path
    skip_pull: bool

    def invoke(self, function: str, event: Path) -> Any:
        """The answer of a function to an event. Raises InvocationError."""
        pull = ["--skip-pull-image"] if self.skip_pull else []
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("sam")), "local", "invoke", function),
                *("--event", str(event), "--env-vars", str(self.variables), *pull),
            ],
            cwd=PROJECT,
            env={
                **os.environ,
                "SAM_CLI_TELEMETRY": "0",
                "AWS_ACCESS_KEY_ID": CREDENTIAL,
                "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
                "AWS_DEFAULT_REGION": REGION,
            },
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return answer_of(done.stdout, done.stderr)


def answer_of(stdout: str, stderr: str) -> Any:
    """The answer on sam's standard output. Raises InvocationError."""
    lines = stdout.strip().splitlines()
    if not lines:
        raise InvocationError(f"no answer: it timed out or was killed; {_end(stderr)}")
    try:
        answer = json.loads(lines[-1])
    except ValueError as error:
        raise InvocationError(f"the answer is not JSON: {lines[-1][:500]}") from error
    if isinstance(answer, dict) and "errorType" in answer:
        raise InvocationError(f"{answer['errorType']}: {answer.get('errorMessage')}")
    return answer


def _end(stderr: str) -> str:
    return "\n".join(stderr.strip().splitlines()[-5:])
