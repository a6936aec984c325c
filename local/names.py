"""What everything is called, and the numbers that a stack is made with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

REGION: Final = "us-east-1"

DAY: Final = 86_400
"""Seconds."""


@dataclass(frozen=True)
class Names:
    """Names of all resources of one environment; two environments never share one."""

    environment: str = "local"

    @property
    def table(self) -> str:
        return f"portfolio-{self.environment}"

    @property
    def compaction_queue(self) -> str:
        return f"chromadb-delta-queue-{self.environment}"

    @property
    def compaction_dlq(self) -> str:
        return f"chromadb-delta-dlq-{self.environment}"

    @property
    def stream_dlq(self) -> str:
        return f"chromadb-stream-dlq-{self.environment}"

    @property
    def bucket(self) -> str:
        return f"receipt-chroma-{self.environment}"

    @property
    def stream_processor(self) -> str:
        return f"receipt-stream-processor-{self.environment}"

    @property
    def compactor(self) -> str:
        return f"receipt-compactor-{self.environment}"

    @property
    def lock_id(self) -> str:
        return f"chroma-{self.environment}-snapshot"

    @property
    def parameters(self) -> str:
        """Path of the SSM parameters."""
        return f"/receipt-sync/{self.environment}"

    def key_alias(self, purpose: str) -> str:
        return f"alias/receipt-sync-{self.environment}-{purpose}"


@dataclass(frozen=True)
class Options:
    """Times are seconds. `variables` go to both functions, over what they get anyway."""

    function_timeout: int = 30
    lease: int = 20
    heartbeat: int = 5
    visibility_timeout: int = 180
    max_receive_count: int = 5
    stream_batch_size: int = 1000
    record_age: int = 79_200
    log_level: str = "INFO"
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def visibility_rule(self) -> int:
        """Least visibility timeout of a queue whose consumer is a function, in seconds.

        Rule: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        return 6 * self.function_timeout
