"""Connects a run to an AWS: the environment's, the running local AWS, or a new local AWS."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loadtest.target import check_target, names_a_stack
from local.endpoint import Request, endpoint_of
from local.errors import NotRunningError
from local.ministack import health
from local.progress import Progress
from local.running import down, up
from local.stack import Stack, load
from local.state import State
from receipt_ops.connection import Connection, connect


@contextmanager
def connected(
    environment: Mapping[str, str], state: State, aws_table: str, step: Progress
) -> Iterator[tuple[Connection, Mapping[str, str]]]:
    """Yield a connection, and the environment with which another process connects to the same AWS.

    A local AWS that is started here is stopped after the block.

    Raises:
        UnsafeTargetError: The target is the real AWS and the caller does not name its table.
        SettingsError: The environment lacks a setting.
        LocalAWSError: The local AWS could not be started or stopped.
    """
    if names_a_stack(environment):
        connection = connect(environment, Path())
        check_target(connection, aws_table)
        yield connection, environment
        return
    with _local(environment, state, step) as stack:
        variables = {**environment, **stack.variables}
        connection = connect(variables, Path())
        check_target(connection, aws_table)
        yield connection, variables


@contextmanager
def _local(environment: Mapping[str, str], state: State, step: Progress) -> Iterator[Stack]:
    present = _running(state)
    if present is not None:
        yield present
        return
    try:
        yield up(state, Request(endpoint=endpoint_of(environment)), step)
    finally:
        down(state, step)


def _running(state: State) -> Stack | None:
    try:
        stack = load(state.path)
    except NotRunningError:
        return None
    return stack if stack.deployment and health.answers(stack.endpoint) else None
