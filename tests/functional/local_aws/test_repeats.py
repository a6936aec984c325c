"""The SDK repeats a call whose answer was lost, and meets the call's own effect, as on AWS."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from local.running import running
from local.stack import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("repeats") / "state", deploy=False) as stack:
        yield stack


def losing_the_first_answer(client: Any, event: str) -> list[str]:
    """Perform the next request of `event`, and lose its answer. Return the requests."""
    sent: list[str] = []

    def lose(request: Any, **_: Any) -> None:
        sent.append(request.headers["amz-sdk-request"].decode())
        if len(sent) == 1:
            assert client._endpoint.http_session.send(request).status_code == 200
            raise ConnectionClosedError(endpoint_url=request.url)

    client.meta.events.register(f"before-send.{event}", lose)
    return sent


def put_item(stack: Stack) -> tuple[Any, str, Callable[[], Any]]:
    client = stack.clients().dynamodb
    item = {"PK": {"S": "LOCK#repeated"}, "SK": {"S": "LOCK"}}
    return (
        client,
        "dynamodb.PutItem",
        lambda: client.put_item(
            TableName=stack.names.table, Item=item, ConditionExpression="attribute_not_exists(PK)"
        ),
    )


def put_object(stack: Stack) -> tuple[Any, str, Callable[[], Any]]:
    client = stack.clients().s3
    return (
        client,
        "s3.PutObject",
        lambda: client.put_object(
            Bucket=stack.names.bucket, Key="repeated/manifest.json", Body=b"{}", IfNoneMatch="*"
        ),
    )


@pytest.mark.parametrize(
    ("of", "code"),
    [(put_item, "ConditionalCheckFailedException"), (put_object, "PreconditionFailed")],
)
def test_a_conditional_write_whose_answer_was_lost_is_refused_when_it_is_repeated(
    stack: Stack, of: Callable[[Stack], tuple[Any, str, Callable[[], Any]]], code: str
) -> None:
    client, event, call = of(stack)
    sent = losing_the_first_answer(client, event)
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["Error"]["Code"] == code
    assert len(sent) == 2
    assert sent[1].startswith("attempt=2")
