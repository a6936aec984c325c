"""The provisioned stack: every name, ARN and URL, kept as JSON in the state folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from local.clients import Clients
from local.errors import NotRunningError, StateFolderError
from local.quick.keys import Keys
from local.quick.names import REGION, Names
from local.quick.queues import Queues
from local.quick.table import Table
from local.state import State
from receipt_ops.sdk import CREDENTIAL


@dataclass(frozen=True)
class Deployment:
    """The ARNs of the functions, and the UUIDs of their event source mappings."""

    stream_processor_arn: str
    compactor_arn: str
    stream_mapping: str
    queue_mapping: str

    @classmethod
    def of(cls, outputs: Mapping[str, str]) -> "Deployment":
        """Return the deployment that the outputs of template.yaml describe."""
        return cls(
            stream_processor_arn=outputs["StreamProcessorArn"],
            compactor_arn=outputs["CompactorArn"],
            stream_mapping=outputs["StreamMapping"],
            queue_mapping=outputs["QueueMapping"],
        )


@dataclass(frozen=True)
class Stack:
    """One provisioned environment. `deployment` is None until the functions are deployed."""

    endpoint: str
    names: Names
    keys: Keys
    table: Table
    queues: Queues
    deployment: Deployment | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Return environment variables with which any program finds this stack."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": CREDENTIAL,
            "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
            "AWS_DEFAULT_REGION": REGION,
            "ENVIRONMENT": self.names.environment,
            "DYNAMODB_TABLE": self.names.table,
            "COMPACTION_QUEUE_URL": self.queues.compaction.url,
            "STREAM_DLQ_URL": self.queues.stream_dlq.url,
            "COMPACTION_DLQ_URL": self.queues.compaction_dlq.url,
            "SNAPSHOT_BUCKET": self.names.bucket,
            "COMPACTION_LOCK_ID": self.names.lock_id,
        }

    def clients(self) -> Clients:
        """Return new clients of this stack's endpoint."""
        return Clients(self.endpoint)


_STACK: Final = TypeAdapter(Stack)


def save(stack: Stack, state: State) -> None:
    """Write the stack, and its variables for programs that do not use this package."""
    content: dict[str, Any] = {
        "environment": stack.variables,
        "stack": _STACK.dump_python(stack, mode="json"),
    }
    scratch = state.stack.with_suffix(".new")
    scratch.write_text(json.dumps(content, indent=2) + "\n")
    scratch.replace(state.stack)


def load(state_dir: Path | None = None) -> Stack:
    """Return the stack in a state folder, by default the project's own.

    Raises NotRunningError if there is none, and StateFolderError if it is unreadable.
    """
    state = State.at(state_dir)
    try:
        return _STACK.validate_python(json.loads(state.stack.read_text())["stack"])
    except FileNotFoundError as error:
        raise NotRunningError(
            f"no local AWS was started in {state.path}: run `python -m local up` first"
        ) from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise StateFolderError(
            f"{state.stack} is unreadable: run `python -m local down`, then `up`"
        ) from error
