"""Records the parameters of every call of the quick provisioning to AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.clients import Clients

Calls = dict[str, list[dict[str, Any]]]
"""Operation, such as CreateFunction → the parameters of each call."""


@contextmanager
def recorded_calls() -> Iterator[Calls]:
    """Yield the calls of all clients that the block creates."""
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
