"""Which delta brought a record's vector, as far as the record can say."""

import re
from collections.abc import Mapping
from typing import Any, Final

from compactor.projection import DELTA_ID

_ULID: Final = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
"""As a delta message names it (receipt_sync.messages)."""


def delta_of(metadata: Mapping[str, Any]) -> str:
    """Return the delta that brought a record's vector; empty if that is not known.

    What is no ULID is damage. As text it may sort after every delta, and would hide them all.
    """
    delta_id = metadata.get(DELTA_ID)
    return delta_id if isinstance(delta_id, str) and _ULID.fullmatch(delta_id) else ""
