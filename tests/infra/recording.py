"""What the quick provisioning asks AWS for: the parameters of every call that it makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.clients import Clients

Calls = dict[str, list[dict[str, Any]]]
"""Operation, as CreateFunction → the parameters of each call."""


@contextmanager
def recorded_calls() -> Iterator[Calls]:
    """Fills the calls of all clients that are made inside the block."""
    calls: Calls = {}
    plain = Clients.client

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.setdefault(model.name, []).append(dict(params))

    def client(self: Clients, service: str) -> Any:
        made = plain(self, service)
        made.meta.events.register("provide-client-params.*.*", record)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clients, "client", client)
        yield calls
