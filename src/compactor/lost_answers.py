"""Which failed calls to AWS may have been carried out although no success was answered.

A conditional write is then decided by what is there. A refusal counts as well: the client repeats a
call whose answer is lost by itself, and the repetition meets the effect of the first one.
"""

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

_SERVER_ERROR: Final = 500


def may_have_been_done(error: BotoCoreError | ClientError) -> bool:
    """Return whether the call may have had its effect: a time-out, a lost connection, a 5xx."""
    if isinstance(error, ClientError):
        return status_of(error) >= _SERVER_ERROR
    return True


def status_of(error: ClientError) -> int:
    """Return the HTTP status of a call that AWS refused, 0 where it is not known."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
