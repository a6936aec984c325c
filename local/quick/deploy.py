"""Deploys the functions, roles and mappings of template.yaml to a provisioned stack."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deployment_package.building import install_dependencies
from deployment_package.targets import LAMBDA
from local.ministack import health
from local.progress import Progress, silent
from local.quick.declared import Function, functions_of, roles_of
from local.quick.functions import ensure_function
from local.quick.mappings import ensure_mapping
from local.quick.names import Options
from local.quick.packages import SOURCES, package
from local.quick.parameters import parameters_of
from local.quick.roles import ensure_role
from local.quick.template import Resolver, parameter_values, read_template
from local.stack import Deployment, Stack
from local.state import State


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
    MiniStack answers. Raises PackageError and TemplateError.
    """
    options, clients = options or Options(), stack.clients()
    if vendored is None:
        vendored = not health.is_ministack(stack.endpoint)
    code = Code(sources or SOURCES, vendored, state.packages)
    template = read_template()
    resolver = resolver_for(template, stack, options, state)
    for name, role in roles_of(template, resolver).items():
        with progress(f"role {role.name}"):
            resolver.learn({f"{name}.Arn": ensure_role(clients, role)})
    functions = {
        name: _with(options.variables, function)
        for name, function in functions_of(template, resolver).items()
    }
    for name, function in functions.items():
        with progress(f"function {function.name}"):
            packed = code.package(function.package)
            arn = ensure_function(clients, function, packed, stack.names.bucket)
            resolver.learn({f"{name}.Arn": arn})
    with progress("event source mappings of stream and queue"):
        for function in functions.values():
            for name, mapping in function.mappings.items():
                resolver.learn({name: ensure_mapping(clients, mapping)})
    outputs = {name: resolver.of(one["Value"]) for name, one in template["Outputs"].items()}
    return replace(stack, deployment=Deployment.of(outputs))


def resolver_for(
    template: Mapping[str, object], stack: Stack, options: Options, state: State
) -> Resolver:
    """Return a resolver with the values of the template's parameters for a stack."""
    given = {"Environment": stack.names.environment}
    if state.server.exists():
        # The functions of a MiniStack that was started here are processes of this machine.
        given["WorkingCopyRoot"] = str(state.working_copies)
    values = parameter_values(template, given, parameters_of(stack, options))
    return Resolver(template, values, account=stack.table.arn.split(":")[4])


def _with(variables: Mapping[str, str], function: Function) -> Function:
    """Return the function with further environment variables."""
    own = function.configuration["Environment"]["Variables"]
    environment = {"Variables": {**own, **variables}}
    return replace(function, configuration={**function.configuration, "Environment": environment})
