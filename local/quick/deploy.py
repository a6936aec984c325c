"""Deploys both functions, their roles and their event source mappings to a provisioned stack."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from deployment_package.building import install_dependencies
from deployment_package.targets import LAMBDA
from local.clients import Clients
from local.ministack import health
from local.progress import Progress, silent
from local.quick.functions import Function, ensure_function
from local.quick.mappings import ensure_queue_mapping, ensure_stream_mapping
from local.quick.names import Options
from local.quick.packages import SOURCES, package
from local.quick.policies import compactor_policy, stream_processor_policy
from local.quick.roles import ensure_role
from local.stack import Deployment, Stack
from local.state import State

STREAM_PROCESSOR: Final = "stream_processor"
COMPACTOR: Final = "compactor"
_WORKING_COPIES_ELSEWHERE: Final = "/tmp/receipt-sync"


@dataclass(frozen=True)
class Code:
    """The source of the functions' code, and whether a package includes the dependencies.

    MiniStack runs functions with its own interpreter and packages. There the sources are enough.
    """

    sources: Path
    vendored: bool
    scratch: Path

    def package(self, function: str) -> bytes:
        """Return the package of one function as bytes. Raises PackageError."""
        if not self.vendored:
            return package(self.sources, function)
        shutil.rmtree(self.scratch / function, ignore_errors=True)
        dependencies = install_dependencies(function, self.scratch / function, LAMBDA)
        return package(self.sources, function, dependencies)


def deploy(
    stack: Stack,
    state: State,
    options: Options | None = None,
    sources: Path | None = None,
    vendored: bool | None = None,
    progress: Progress = silent,
) -> Stack:
    """Deploy the current sources of both functions, and return the stack with its deployment.

    `vendored` says whether a package includes the dependencies. By default it does so only if no
    MiniStack answers. Raises PackageError.
    """
    options, clients = options or Options(), stack.clients()
    if vendored is None:
        vendored = not health.is_ministack(stack.endpoint)
    code = Code(sources or SOURCES, vendored, state.packages)
    with progress(f"function {stack.names.stream_processor}"):
        stream_processor = _stream_processor(clients, stack, options, code)
    with progress(f"function {stack.names.compactor}"):
        compactor = _compactor(clients, stack, options, code, state)
    with progress("event source mappings of stream and queue"):
        stream_mapping = ensure_stream_mapping(clients, stack, options)
        queue_mapping = ensure_queue_mapping(clients, stack)
    deployment = Deployment(stream_processor, compactor, stream_mapping, queue_mapping)
    return replace(stack, deployment=deployment)


def _stream_processor(clients: Clients, stack: Stack, options: Options, code: Code) -> str:
    name = stack.names.stream_processor
    function = Function(
        name=name,
        handler=f"{STREAM_PROCESSOR}.handler.lambda_handler",
        role_arn=ensure_role(clients, name, stream_processor_policy(stack)),
        timeout=options.function_timeout,
        memory=512,
        storage=512,
        key_arn=stack.keys.functions,
        log_level=options.log_level,
        variables=_variables(
            stack,
            options,
            ("COMPACTION_QUEUE_URL", "STREAM_DLQ_URL", "DYNAMODB_TABLE"),
            {f"ENABLE_{kind}_UPDATES": "true" for kind in ("METADATA", "LINE", "WORD")},
        ),
    )
    return ensure_function(clients, function, code.package(STREAM_PROCESSOR), stack.names.bucket)


def _compactor(clients: Clients, stack: Stack, options: Options, code: Code, state: State) -> str:
    name = stack.names.compactor
    started_here = state.server.exists()
    root = str(state.working_copies) if started_here else _WORKING_COPIES_ELSEWHERE
    function = Function(
        name=name,
        handler=f"{COMPACTOR}.handler.lambda_handler",
        role_arn=ensure_role(clients, name, compactor_policy(stack)),
        timeout=options.function_timeout,
        memory=2048,
        storage=4096,
        key_arn=stack.keys.functions,
        log_level=options.log_level,
        variables=_variables(
            stack,
            options,
            (
                "COMPACTION_QUEUE_URL",
                "COMPACTION_DLQ_URL",
                "DYNAMODB_TABLE",
                "SNAPSHOT_BUCKET",
                "COMPACTION_LOCK_ID",
            ),
            {
                "WORKING_COPY_ROOT": root,
                # A cycle that finds the lease taken must be able to wait until it expires.
                "LEASE_SECONDS": str(options.lease),
                "HEARTBEAT_SECONDS": str(options.heartbeat),
                "CHROMA_TARGET": "local",
            },
        ),
    )
    return ensure_function(clients, function, code.package(COMPACTOR), stack.names.bucket)


def _variables(
    stack: Stack, options: Options, from_stack: tuple[str, ...], own: Mapping[str, str]
) -> dict[str, str]:
    return {
        **{name: stack.variables[name] for name in from_stack},
        "ENVIRONMENT": stack.variables["ENVIRONMENT"],
        "LOG_LEVEL": options.log_level,
        **own,
        **options.variables,
    }
