"""The execution roles of the functions."""

import json
from typing import TYPE_CHECKING, Any, Final

from local.clients import Clients
from local.quick.names import Names
from local.quick.policies import ASSUMED_BY_LAMBDA

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_POLICY: Final = "least-privilege"


def ensure_role(clients: Clients, function: str, policy: dict[str, Any]) -> str:
    """Create the role of a function if it is absent, replace its policy, and return its ARN."""
    iam = clients.iam
    try:
        arn = iam.get_role(RoleName=function)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        arn = _create(iam, function)
    iam.put_role_policy(RoleName=function, PolicyName=_POLICY, PolicyDocument=json.dumps(policy))
    return arn


def delete_roles(clients: Clients, names: Names) -> None:
    """Delete the existing roles."""
    iam = clients.iam
    for role in (names.stream_processor, names.compactor):
        try:
            iam.delete_role_policy(RoleName=role, PolicyName=_POLICY)
            iam.delete_role(RoleName=role)
        except iam.exceptions.NoSuchEntityException:
            continue


def _create(iam: "IAMClient", function: str) -> str:
    role = iam.create_role(
        RoleName=function, AssumeRolePolicyDocument=json.dumps(ASSUMED_BY_LAMBDA)
    )
    return role["Role"]["Arn"]
