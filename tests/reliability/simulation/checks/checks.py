"""The checks that a history must pass, by name. A planted bug names the check that must find it."""

from enum import StrEnum


class Check(StrEnum):
    """The rule that a violation breaks."""

    ENDLESS = "the history ends"
    ERROR_TYPES = "every error is of a type on the list"
    RECEIPT_TEXT = "no receipt text leaves the system"
    LEASE = "the lease belongs to who extends or releases it"
    STREAM_POSITION = "what the stream's position leaves behind is queued or set aside"
    ACKNOWLEDGED = "what is acknowledged is published or set aside"
    SET_ASIDE = "only what can never be applied is set aside"
    LOST_ANSWERS = "what was done is not returned, parked or waited for"
    VERSIONS = "each version follows the one before it"
    VERSION_CONTENT = "a version holds what the table and the deltas held, and nothing older"
    DERIVED = "the derived files of a version are those of its records"
    CHECKOUT = "a working copy is a published version"
    RETENTION = "an object is deleted only when no reader and no worker needs it"
    DAMAGE = "a snapshot is found damaged only if it was damaged"
    READER_VERSION = "a reader never serves a lower version"
    READER_CONTENT = "a reader serves the published version exactly"
    SERVER_CLAIM = "a server is written to only under a claim that others see"
    DRAINED = "the queues and the stream are empty at the end"
    CONVERGED = "every record equals the projection of the table at the end"
    VERIFIED = "`verify` finds no difference at the end"
