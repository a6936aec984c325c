"""How far the comparison of all records with the table has come (design: Scrub).

The state is a part of the manifest. So it moves only with the version that holds the repairs, and
any worker can continue.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from receipt_sync.messages import ULID

MAX_SUSPECTS: Final = 300
"""Differences that wait for their second look. At the limit, the cursors do not move."""
MAX_ID: Final = 4_096
"""Characters of a record's id, and of a key of the table. DynamoDB's limits are lower."""
MAX_COUNT: Final = 1 << 53

Id = Annotated[str, StringConstraints(max_length=MAX_ID)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Phase(StrEnum):
    """The cursor that moves. Each of them moves to its end, and then the next one begins."""

    INDEX = "index"
    DELTAS = "deltas"
    TABLE = "table"
    OVER = "over"
    """All cursors are at their end, and the last differences wait for their second look."""


class Suspect(_Part):
    """A record that differed at the first look, at the time `since`."""

    id: Id
    since: AwareDatetime
    held: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{16})?$")]
    """A digest of what the index held then; empty if it had no such record."""
    delta: ULID | None = None
    """The newest known delta that has the record's vector, if the vector is what is missing."""
    counted: bool = False
    """Whether the difference was counted, but could not be repaired."""


class Tally(_Part):
    """The counts of one round over all records."""

    begun: AwareDatetime
    checked: Count = 0
    differences: Count = 0
    repaired: Count = 0
    steps: Count = 0
    """Steps of all three cursors."""
    completed: AwareDatetime | None = None

    @property
    def accuracy(self) -> float:
        """Return the percentage of the records that had no difference."""
        return max(0.0, 100 * (1 - self.differences / self.checked)) if self.checked else 100.0


class ScrubState(_Part):
    """The three cursors, the suspects, and the counts of this round and of the last one."""

    at: AwareDatetime
    """The time of the last slice."""
    phase: Phase = Phase.INDEX
    table: tuple[Id, Id] | None = None
    """The last key of the table that was passed, as its partition key and sort key."""
    index: Id | None = None
    """The last id of the index that was passed."""
    delta: ULID | None = None
    """The last delta that was passed completely."""
    row: Count = 0
    """The rows of the next delta that were passed."""
    suspects: Annotated[tuple[Suspect, ...], Field(max_length=MAX_SUSPECTS)] = ()
    present: Tally
    last: Tally | None = None
    """The last completed round. Its time of completion is the time of the proof."""
