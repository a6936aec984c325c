"""The execution roles of the functions."""

import json
from typing import TYPE_CHECKING

from local.clients import Clients
from local.quick.declared import Role
from local.quick.names import Names

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def ensure_role(clients: Clients, role: Role) -> str:
    """Create a role if it is absent, replace its policies, and return its ARN."""
    iam = clients.iam
    try:
        arn = iam.get_role(RoleName=role.name)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        arn = _create(iam, role)
    for name, document in role.policies.items():
        iam.put_role_policy(
            RoleName=role.name, PolicyName=name, PolicyDocument=json.dumps(document)
        )
    return arn


def delete_roles(clients: Clients, names: Names) -> None:
    """Delete the existing roles with their policies. A role is named like its function."""
    iam = clients.iam
    for role in (names.stream_processor, names.compactor):
        try:
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                iam.delete_role_policy(RoleName=role, PolicyName=policy)
            iam.delete_role(RoleName=role)
        except iam.exceptions.NoSuchEntityException:
            continue


def _create(iam: "IAMClient", role: Role) -> str:
    created = iam.create_role(
        RoleName=role.name, AssumeRolePolicyDocument=json.dumps(role.assumed_by)
    )
    return created["Role"]["Arn"]
