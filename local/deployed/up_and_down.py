"""Deploys the system as on AWS: Terraform for the data resources, SAM for the functions.

It does not use the quick provisioning. As an operator does, it reads the result from the SSM
parameters and from CloudFormation.
"""

from dataclasses import replace

from local.clients import Clients
from local.commands import environment_of
from local.deployed import serverless
from local.deployed.handover import handed_over
from local.deployed.terraform import Terraform
from local.endpoint import Request, answering, endpoint
from local.progress import Counted, Progress
from local.quick.names import Names
from local.stack import Stack, save
from local.state import State


def up_deployed(state: State, request: Request, progress: Progress, counted: Counted) -> Stack:
    """Start or find the local AWS, apply terraform/ to it, and build and deploy template.yaml.

    Raises MissingToolError before it starts anything. Raises ToolFailedError, StartError,
    EndpointError and StateFolderError.
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
        with counted("terraform apply: table, queues, bucket, keys and alarms") as count:
            terraform.apply(count)
        stack = handed_over(clients, names)
        # Save before the functions are deployed, so that `down` can clean up after a failure.
        save(stack, state)
        # The functions of a MiniStack that was started here are processes of this machine.
        here = state.server.exists()
        with progress("sam build: both packages"):
            serverless.build(environment, state.packages, here)
        with progress("sam deploy: functions, mappings and roles"):
            serverless.deploy(environment, state.packages, state.working_copies if here else None)
        stack = replace(stack, deployment=serverless.deployment_of(clients))
        save(stack, state)
        return stack


def tear_down_deployed(state: State, progress: Progress, counted: Counted) -> None:
    """Delete all resources that `up_deployed` created on an AWS that it did not start.

    It also deletes the resources of an incomplete run. Raises EndpointError and ToolFailedError.
    """
    clients = Clients(answering(state.endpoint.read_text(), state))
    environment = environment_of(clients.endpoint)
    if serverless.is_deployed(clients):
        with progress("sam delete: functions, mappings and roles"):
            serverless.delete(environment)
    with counted("terraform destroy: table, queues, bucket, keys and alarms") as count:
        Terraform.at(state.terraform, environment).destroy(count)
