"""The environment variables of each function as one frozen, typed object.

The environment is read once. A wrong or missing value stops the start with a sentence that names
the variable.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from receipt_sync.defaults import HEARTBEAT_SECONDS, LEASE_SECONDS, RETENTION_SECONDS
from receipt_sync.errors import SettingsError
from receipt_sync.keys import EntityType
from receipt_sync.validation import Fault, faults_of

_HOST: Final = re.compile(r"(https?://)?[\w.:\[\]%-]+", re.ASCII)


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("give a host name or an address, without a path and without a user")
    return text


NonEmpty = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
QueueUrl = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(
        frozen=True, case_sensitive=False, extra="ignore", hide_input_in_errors=True
    )

    log_level: LogLevel = "INFO"

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return the settings of `environment`, or of the process's environment.

        Raises SettingsError without a cause. Pydantic's error holds every value, including keys and
        tokens, and a traceback would show them.
        """
        try:
            if environment is None:
                return cls()
            return cls.model_validate({name.lower(): value for name, value in environment.items()})
        except ValidationError as error:
            fault = SettingsError(_sentence(error))
        raise fault


if TYPE_CHECKING:

    class _FlagSettings(_Settings):
        """The settings `EntityType.flag` of all entity types."""

else:
    _FlagSettings = create_model(
        "_FlagSettings", __base__=_Settings, **{one.flag: (bool, True) for one in EntityType}
    )


class StreamProcessorSettings(_FlagSettings):
    """Settings of the stream processor."""

    environment: NonEmpty
    """The name of the deployment. Every metric carries it as a dimension."""
    compaction_queue_url: QueueUrl
    stream_dlq_url: QueueUrl
    dynamodb_table: NonEmpty

    @property
    def enabled_types(self) -> frozenset[EntityType]:
        """Return the entity types whose changes are queued, according to the feature flags."""
        return frozenset(one for one in EntityType if getattr(self, one.flag))


class ChromaSettings(_Settings):
    """The location of Chroma: a directory published as snapshots, a server, or Chroma Cloud."""

    chroma_target: Literal["local", "http", "cloud"] = "local"
    chroma_host: Annotated[NonEmpty, AfterValidator(_host)] | None = None
    chroma_port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    chroma_ssl: bool = False
    chroma_token: SecretStr | None = None
    chroma_auth_header: Literal["Authorization", "X-Chroma-Token"] = "Authorization"
    chroma_tenant: NonEmpty | None = None
    chroma_database: NonEmpty | None = None
    chroma_api_key: SecretStr | None = None
    chroma_timeout_seconds: Annotated[float, Field(gt=0, le=900)] = 20
    """The longest time of one request, in seconds."""

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values without empty Chroma settings.

        `sam local` cannot omit a variable. A variable under a false condition arrives as an empty
        text.
        """
        return {
            name: value
            for name, value in values.items()
            if value != "" or not name.startswith("chroma_")
        }

    @model_validator(mode="after")
    def _target_is_named_whole(self) -> Self:
        needed = {
            "local": (),
            "http": ("chroma_host",),
            "cloud": ("chroma_tenant", "chroma_database", "chroma_api_key"),
        }[self.chroma_target]
        unset = [name.upper() for name in needed if getattr(self, name) is None]
        if unset:
            raise ValueError(f"CHROMA_TARGET={self.chroma_target} needs {', '.join(unset)}")
        return self


class CompactorSettings(ChromaSettings):
    """Settings of the compactor. Durations are in seconds, and shares are fractions of one."""

    environment: NonEmpty
    """The name of the deployment. Every metric carries it as a dimension."""
    dynamodb_table: NonEmpty
    compaction_queue_url: QueueUrl
    compaction_dlq_url: QueueUrl
    snapshot_bucket: NonEmpty
    compaction_lock_id: NonEmpty = "chroma-main-snapshot"
    working_copy_root: Path = Path("/tmp/receipt-sync")  # noqa: S108 the one writable folder of a function
    lease_seconds: Annotated[float, Field(gt=0, le=900)] = LEASE_SECONDS
    heartbeat_seconds: Annotated[float, Field(gt=0)] = HEARTBEAT_SECONDS
    max_delete_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    max_delete_floor: Annotated[int, Field(ge=0)] = 1000
    snapshot_retention_seconds: Annotated[float, Field(ge=0)] = RETENTION_SECONDS
    aws_lambda_function_memory_size: Annotated[int, Field(ge=128)] = 2048
    """MiB. Lambda sets this variable. Elsewhere, the default of the template applies."""
    slice_memory_share: Annotated[float, Field(gt=0, le=0.5)] = 0.125
    """The share of the memory that one slice of work may use."""

    @property
    def slice_bytes(self) -> int:
        """Return the bytes of memory that one slice of work may use."""
        return int(self.slice_memory_share * self.aws_lambda_function_memory_size * 2**20)

    @model_validator(mode="after")
    def _lease_outlives_two_heartbeats(self) -> Self:
        if self.lease_seconds <= 2 * self.heartbeat_seconds:
            raise ValueError("LEASE_SECONDS must be more than twice HEARTBEAT_SECONDS")
        return self


def _sentence(error: ValidationError) -> str:
    return "; ".join(map(_described, faults_of(error)))


def _described(fault: Fault) -> str:
    name = "".join(str(part).upper() for part in fault.place)
    if fault.type == "missing":
        return f"environment variable {name} is not set: set it on the function"
    return f"environment variable {name}: {fault.rule}".replace("variable : ", "variables: ")
