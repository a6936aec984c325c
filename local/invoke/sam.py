"""Runs `sam local invoke`, and reads the response of the function.

The exit status of sam does not say whether the function failed.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.errors import LocalAWSError
from local.quick.names import REGION
from local.state import PROJECT
from receipt_ops.sdk import CREDENTIAL

BUILT: Final = PROJECT / ".aws-sam" / "build" / "template.yaml"
_SECONDS: Final = 600
"""Timeout of an invocation. The first one may have to pull an image."""


class InvocationError(LocalAWSError):
    """A function returned no response, or an error."""


@dataclass(frozen=True)
class Sam:
    """Runs `sam local invoke` with one environment file."""

    variables: Path
    skip_pull: bool

    def invoke(self, function: str, event: Path) -> Any:
        """Return the response of a function to an event. Raises InvocationError."""
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
    """Return the response in sam's standard output. Raises InvocationError."""
    lines = stdout.strip().splitlines()
    if not lines:
        raise InvocationError(
            f"the function returned nothing, because it timed out or was killed: {_end(stderr)}"
        )
    try:
        answer = json.loads(lines[-1])
    except ValueError as error:
        raise InvocationError(f"the response is not JSON: {lines[-1][:500]}") from error
    if isinstance(answer, dict) and "errorType" in answer:
        raise InvocationError(f"{answer['errorType']}: {answer.get('errorMessage')}")
    return answer


def _end(stderr: str) -> str:
    return "\n".join(stderr.strip().splitlines()[-5:])
