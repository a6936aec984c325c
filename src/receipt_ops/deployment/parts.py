"""The deployed parts as values: queues, functions, and event source mappings.

In this package, "mapping" means event source mapping.
"""

import math
from collections import abc
from dataclasses import dataclass
from typing import Any, NamedTuple

from receipt_ops.errors import OperationError


class NotDeployedError(OperationError):
    """A part of the system that a command needs does not exist."""


class VariablesUnreadableError(OperationError):
    """A function has environment variables that the caller may not decrypt."""


class SettingWrongError(OperationError):
    """A function has an environment variable that must be a number and is not."""


def number_of(variables: abc.Mapping[str, str], name: str, otherwise: float) -> float:
    """Return a variable of a function; `otherwise` if it is unset. Raises SettingWrongError."""
    text = variables.get(name) or str(otherwise)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SettingWrongError(
            f"the function's environment variable {name} is {text!r}, which is not a number: "
            "deploy the function with a number"
        )
    return number


class Queue(NamedTuple):
    """Identifies a queue by its URL and its ARN."""

    url: str
    arn: str

    @property
    def name(self) -> str:
        return self.arn.rsplit(":", 1)[1]


@dataclass(frozen=True)
class Mapping:
    """Holds an event source mapping. `settings` is its description from Lambda."""

    uuid: str
    function: str
    enabled: bool
    state: str
    settings: dict[str, Any]

    @property
    def function_name(self) -> str:
        """Return the name of the function without a version or alias."""
        return self.function.partition(":")[0]


@dataclass(frozen=True)
class Function:
    """Holds a function. `timeout` is in seconds; `settings` is its description from Lambda."""

    name: str
    timeout: int
    log_group: str
    settings: dict[str, Any]

    @property
    def variables(self) -> dict[str, str]:
        """Return its environment variables. Raises VariablesUnreadableError.

        Lambda returns an error instead if the caller must not decrypt them:
        https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html
        """
        environment = self.settings.get("Environment") or {}
        error = environment.get("Error")
        if error:
            raise VariablesUnreadableError(
                f"the environment variables of {self.name} can't be read "
                f"({error.get('ErrorCode', 'no code')}), so the command can't show or set what "
                "depends on them: ask for kms:Decrypt on the key of the functions"
            )
        return dict(environment.get("Variables") or {})
