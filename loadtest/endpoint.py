"""Connects a run to an AWS: the environment's, the running local AWS, or a new local AWS."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loadtest.target import check_target, names_a_stack
from local.progress import Progress
from local.shared import running_or_started
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
    with running_or_started(environment, state, step) as stack:
        variables = {**environment, **stack.variables}
        connection = connect(variables, Path())
        check_target(connection, aws_table)
        yield connection, variables
