"""Names of all resources, and the default settings of a stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

REGION: Final = "us-east-1"

DAY: Final = 86_400
"""Seconds of a day."""


@dataclass(frozen=True)
class Names:
    """Names of all resources of one environment. Two environments share no name."""

    environment: str = "local"

    @property
    def table(self) -> str:
        """Return the name of the table."""
        return f"portfolio-{self.environment}"

    @property
    def compaction_queue(self) -> str:
        """Return the name of the compaction queue."""
        return f"chromadb-delta-queue-{self.environment}"

    @property
    def compaction_dlq(self) -> str:
        """Return the name of the compaction queue's dead-letter queue."""
        return f"chromadb-delta-dlq-{self.environment}"

    @property
    def stream_dlq(self) -> str:
        """Return the name of the stream's dead-letter queue."""
        return f"chromadb-stream-dlq-{self.environment}"

    @property
    def bucket(self) -> str:
        """Return the name of the bucket."""
        return f"receipt-chroma-{self.environment}"

    @property
    def stream_processor(self) -> str:
        """Return the name of the stream processor's function."""
        return f"receipt-stream-processor-{self.environment}"

    @property
    def compactor(self) -> str:
        """Return the name of the compactor's function."""
        return f"receipt-compactor-{self.environment}"

    @property
    def lock_id(self) -> str:
        """Return the id of the compactor's lock."""
        return f"chroma-{self.environment}-snapshot"

    @property
    def parameters(self) -> str:
        """Return the path of the SSM parameters."""
        return f"/receipt-sync/{self.environment}"

    def key_alias(self, purpose: str) -> str:
        """Return the alias of the KMS key for a purpose."""
        return f"alias/receipt-sync-{self.environment}-{purpose}"


@dataclass(frozen=True)
class Options:
    """Settings of a stack that Terraform sets on AWS. Times are in seconds.

    `variables` are environment variables of both functions. They override those of template.yaml,
    which holds all other settings of the functions.
    """

    function_timeout: int = 30
    lease: int = 20
    heartbeat: int = 5
    visibility_timeout: int = 180
    max_receive_count: int = 5
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def visibility_rule(self) -> int:
        """Return the least visibility timeout in seconds of a queue that feeds a function.

        Rule: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        return 6 * self.function_timeout
