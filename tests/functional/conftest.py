"""The local AWS for adapters: one private MiniStack a worker, and names of its own for each test.

`deployed` adds the real functions; a test of the adapters does without.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from local.clients import Clients
from local.quick.bucket import ensure_bucket
from local.quick.deploy import deploy
from local.quick.names import Names, Options
from local.quick.provision import provision
from local.quick.queues import Queues, ensure_queues
from local.quick.table import Table, ensure_table
from local.running import running
from local.stack import Stack
from local.state import State
from receipt_sync.settings import ChromaSettings
from tests.functional.chroma_server import ChromaServer

QUICK_QUEUE = Options(visibility_timeout=2)
"""For adapters: a message that was received and not deleted is back in two seconds."""

QUICK_FUNCTIONS = Options(function_timeout=20, lease=10, heartbeat=3, visibility_timeout=20)
"""For functions: no shorter than an invocation, or a message would come again while it is used."""


@dataclass(frozen=True)
class LocalAWS:
    """A running MiniStack: its clients, its state folder, and a stack without functions."""

    clients: Clients
    state: State
    stack: Stack


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    folder = tmp_path_factory.mktemp("aws") / "state"
    with running(folder, deploy=False) as stack:
        yield LocalAWS(stack.clients(), State.at(folder), stack)


@pytest.fixture
def names() -> Names:
    """Names that no other test uses."""
    return Names(f"t{uuid4().hex[:12]}")


@pytest.fixture
def the_table(aws: LocalAWS, names: Names) -> Table:
    return ensure_table(aws.clients, names, aws.stack.keys.table)


@pytest.fixture
def the_queues(aws: LocalAWS, names: Names) -> Queues:
    return ensure_queues(aws.clients, names, QUICK_QUEUE, aws.stack.keys.queues)


@pytest.fixture
def stack(aws: LocalAWS, names: Names, the_table: Table, the_queues: Queues, bucket: str) -> Stack:
    """A table, queues and a bucket of the test's own; no functions."""
    return Stack(aws.stack.endpoint, names, aws.stack.keys, the_table, the_queues)


@pytest.fixture
def new_stack(aws: LocalAWS) -> Callable[..., Stack]:
    """Makes further stacks: new_stack(**options)."""
    return lambda **options: provision(
        aws.clients, Names(f"t{uuid4().hex[:12]}"), Options(**options)
    )


@pytest.fixture
def table(names: Names, the_table: Table) -> str:
    """Name of an empty table."""
    return names.table


@pytest.fixture
def queue_url(the_queues: Queues) -> str:
    """URL of an empty queue."""
    return the_queues.compaction.url


@pytest.fixture
def bucket(aws: LocalAWS, names: Names) -> str:
    """Name of an empty bucket."""
    return ensure_bucket(aws.clients, names, aws.stack.keys.bucket)


@pytest.fixture
def dynamodb(aws: LocalAWS):
    return aws.clients.dynamodb


@pytest.fixture
def sqs(aws: LocalAWS):
    return aws.clients.sqs


@pytest.fixture
def s3(aws: LocalAWS):
    return aws.clients.s3


@pytest.fixture
def stack_environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack, with this process's environment pointing to it."""
    for name, value in stack.variables.items():
        monkeypatch.setenv(name, value)
    return stack


@pytest.fixture(scope="session")
def deployed(aws: LocalAWS) -> Stack:
    """A stack on which the real functions run, one for all tests of a worker."""
    made = provision(aws.clients, Names(f"t{uuid4().hex[:12]}"), QUICK_FUNCTIONS)
    return deploy(made, aws.state, QUICK_FUNCTIONS)


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    """A running `chroma run`, one for the tests of a module."""
    server = ChromaServer(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def chroma_settings(chroma: ChromaServer) -> ChromaSettings:
    """How to reach a database of the test's own on it."""
    database = f"t{uuid4().hex[:12]}"
    chroma.create_database(database)
    return chroma.settings.model_copy(update={"chroma_database": database})
