"""Find failed calls to AWS that may have had their effect although no success was answered.

The caller of a conditional write must then read what is stored, and decide by that. It must do so
after a refusal as well. The client repeats a call whose answer is lost. The repetition meets the
effect of the first call, and is refused.
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
    """Return the HTTP status of a call that AWS refused; 0 if it is not known."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
