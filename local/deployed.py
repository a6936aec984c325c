"""Brings the system up as its users do: Terraform for what holds data, SAM for what runs code.

Nothing of the quick provisioning takes part. What was deployed is read back from the SSM parameters
and from CloudFormation, as an operator would.
"""

from dataclasses import replace

from local import serverless
from local.clients import Clients
from local.commands import environment_of
from local.endpoint import Request, answering, endpoint
from local.handover import handed_over
from local.names import Names
from local.progress import Counted, Progress
from local.stack import Stack, save
from local.state import State
from local.terraform import Terraform


def up_deployed(state: State, request: Request, progress: Progress, counted: Counted) -> Stack:
    """Start (or find) the local AWS, apply terraform/ to it, build and deploy template.yaml.

    Raises MissingToolError before anything is started, ToolFailedError, StartError, EndpointError,
    StateFolderError.
    """
    names = Names()
    Terraform.at(state.terraform, {})
    with state.locked():
        if not state.terraform.exists():
            state.must_not_be("stack.json")
        clients = Clients(endpoint(state, replace(request, for_terraform=True), progress))
        state.endpoint.write_text(clients.endpoint)
        environment = environment_of(clients.endpoint)
        terraform = Terraform.at(state.terraform, environment)
        with progress("terraform init"):
            terraform.init()
        with counted("terraform apply: what holds data") as count:
            terraform.apply(count)
        stack = handed_over(clients, names)
        save(stack, state)  # before the functions, so that `down` can clear up after a failure
        here = state.server.exists()  # its functions are processes of this machine
        with progress("sam build: both packages"):
            serverless.build(environment, state.packages, here)
        with progress("sam deploy: functions, mappings and roles"):
            serverless.deploy(environment, state.packages, state.working_copies if here else None)
        stack = replace(stack, deployment=serverless.deployment_of(clients))
        save(stack, state)
        return stack


def tear_down_deployed(state: State, progress: Progress, counted: Counted) -> None:
    """Delete what `up_deployed` created on an AWS that was found running, all or a part of it.

    Raises EndpointError, ToolFailedError.
    """
    clients = Clients(answering(state.endpoint.read_text(), state))
    environment = environment_of(clients.endpoint)
    if serverless.is_deployed(clients):
        with progress("sam delete: functions, mappings and roles"):
            serverless.delete(environment)
    with counted("terraform destroy: what holds data") as count:
        Terraform.at(state.terraform, environment).destroy(count)
