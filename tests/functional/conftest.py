"""The local AWS for adapters: one MiniStack for each worker, and own names for each test.

`deployed` adds the real functions. Tests of the adapters do not need them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client
from mypy_boto3_sqs import SQSClient

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
"""For adapters: SQS delivers a message again after two seconds if it was not deleted."""

QUICK_FUNCTIONS = Options(function_timeout=20, lease=10, heartbeat=3, visibility_timeout=20)
"""For functions: the visibility timeout is not shorter than an invocation. Otherwise SQS would
deliver a message again while a function handles it."""


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
    """Return names that no other test uses."""
    return Names(f"t{uuid4().hex[:12]}")


@pytest.fixture
def the_table(aws: LocalAWS, names: Names) -> Table:
    return ensure_table(aws.clients, names, aws.stack.keys.table)


@pytest.fixture
def the_queues(aws: LocalAWS, names: Names) -> Queues:
    return ensure_queues(aws.clients, names, QUICK_QUEUE, aws.stack.keys.queues)


@pytest.fixture
def stack(aws: LocalAWS, names: Names, the_table: Table, the_queues: Queues, bucket: str) -> Stack:
    """Return a stack of the test's own with a table, queues and a bucket, without functions."""
    return Stack(aws.stack.endpoint, names, aws.stack.keys, the_table, the_queues)


@pytest.fixture
def new_stack(aws: LocalAWS) -> Callable[..., Stack]:
    """Return a function that makes further stacks: new_stack(**options)."""
    return lambda **options: provision(
        aws.clients, Names(f"t{uuid4().hex[:12]}"), Options(**options)
    )


@pytest.fixture
def table(names: Names, the_table: Table) -> str:
    """Return the name of an empty table."""
    return names.table


@pytest.fixture
def queue_url(the_queues: Queues) -> str:
    """Return the URL of an empty queue."""
    return the_queues.compaction.url


@pytest.fixture
def bucket(aws: LocalAWS, names: Names) -> str:
    """Return the name of an empty bucket."""
    return ensure_bucket(aws.clients, names, aws.stack.keys.bucket)


@pytest.fixture
def dynamodb(aws: LocalAWS) -> DynamoDBClient:
    return aws.clients.dynamodb


@pytest.fixture
def sqs(aws: LocalAWS) -> SQSClient:
    return aws.clients.sqs


@pytest.fixture
def s3(aws: LocalAWS) -> S3Client:
    return aws.clients.s3


@pytest.fixture
def stack_environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Return the stack, and set the environment of this process to it."""
    for name, value in stack.variables.items():
        monkeypatch.setenv(name, value)
    return stack


@pytest.fixture(scope="session")
def deployed(aws: LocalAWS) -> Stack:
    """Return a stack with the real functions, one for all tests of a worker."""
    made = provision(aws.clients, Names(f"t{uuid4().hex[:12]}"), QUICK_FUNCTIONS)
    return deploy(made, aws.state, QUICK_FUNCTIONS)


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    """Yield a running Chroma server, one for the tests of a module."""
    server = ChromaServer(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def chroma_settings(chroma: ChromaServer) -> ChromaSettings:
    """Return settings for a database of the test's own on the server."""
    database = f"t{uuid4().hex[:12]}"
    chroma.create_database(database)
    return chroma.settings.model_copy(update={"chroma_database": database})
