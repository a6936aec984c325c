"""The quick provisioning creates Terraform's resources with the same attributes as terraform/.

The tests compare the recorded calls of `local/quick` with Terraform's plan.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest

from local.quick.parameters import parameters_of
from local.running import running
from local.stack import Stack
from tests.infra.recording import Calls, recorded_calls
from tests.infra.terraform.runs import Plan, Workspace, needs_terraform

pytestmark = needs_terraform

COMPARED: Final = {
    "aws_cloudwatch_log_group",
    "aws_dynamodb_table",
    "aws_kms_alias",
    "aws_kms_key",
    "aws_s3_bucket",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_sqs_queue",
    "aws_ssm_parameter",
}
NOT_QUICK: Final = {
    "aws_cloudwatch_dashboard",  # a test needs no monitoring
    "aws_cloudwatch_metric_alarm",
    "aws_sns_topic",
    "aws_sns_topic_policy",
    "aws_s3_bucket_lifecycle_configuration",  # no object of a test gets so old
    "aws_s3_bucket_ownership_controls",  # it declares S3's default
    "aws_s3_bucket_policy",  # it requires TLS, which the local AWS lacks
}
KEYS: Final = {"table", "bucket", "queues", "functions"}
KEYS_NOT_QUICK: Final = {"logs", "topic"}
OF_TERRAFORM: Final = {"tags", "tags_all", "timeouts", "force_destroy", "skip_destroy"}


class Both(NamedTuple):
    stack: Stack
    calls: Calls
    plan: Plan


@pytest.fixture(scope="module")
def both(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("quick")
    with recorded_calls() as calls, running(folder / "state") as stack:
        yield Both(stack, calls, workspace.first_plan("local"))


def keyed(plan: Plan, kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a type that one for_each creates, by its keys."""
    return {
        address.partition('["')[2].removesuffix('"]'): values
        for address, values in plan.of(kind).items()
    }


def references(plan: Plan, address: str) -> set[str]:
    """Return the references in the code of a resource."""
    (found,) = [
        resource
        for resource in plan.content["configuration"]["root_module"]["resources"]
        if resource["address"] == address
    ]
    return set(_references(found["expressions"]))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _references(one)
    elif isinstance(node, dict):
        yield from node.get("references", [])
        for one in node.values():
            yield from _references(one)


def said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that a plan sets, without Terraform's own and without empty ones."""
    return {
        name: value
        for name, value in values.items()
        if name not in OF_TERRAFORM and value not in (None, [], {}, "", False)
    }


def call(both: Both, operation: str, attribute: str, value: str) -> dict[str, Any]:
    """Return the merged parameters of an operation's calls for one resource."""
    found = [call for call in both.calls[operation] if str(call[attribute]).endswith(value)]
    assert found, f"{operation} was not called for {value}"
    merged: dict[str, Any] = {}
    for one in found:
        attributes = one.get("Attributes", {})
        merged = {**merged, **one, "Attributes": {**merged.get("Attributes", {}), **attributes}}
    return merged


def test_every_kind_of_resource_is_compared_or_named(both: Both) -> None:
    kinds = {address.split(".")[0] for address in both.plan.changes()}
    assert kinds == COMPARED | NOT_QUICK


def test_the_tables_are_the_same(both: Both) -> None:
    created = call(both, "CreateTable", "TableName", both.stack.names.table)
    keys = {key["KeyType"]: key["AttributeName"] for key in created["KeySchema"]}
    (index,) = created["GlobalSecondaryIndexes"]
    index_keys = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
    names = {"AttributeName": "name", "AttributeType": "type"}
    ttl = call(both, "UpdateTimeToLive", "TableName", both.stack.names.table)
    backups = call(both, "UpdateContinuousBackups", "TableName", both.stack.names.table)
    declared = both.plan.the("aws_dynamodb_table")
    (declared_index,) = declared["global_secondary_index"]
    assert {**said(declared), "global_secondary_index": [said(declared_index)]} == {
        "name": created["TableName"],
        "billing_mode": created["BillingMode"],
        "hash_key": keys["HASH"],
        "range_key": keys["RANGE"],
        "attribute": sorted(
            (
                {names[name]: value for name, value in attribute.items()}
                for attribute in created["AttributeDefinitions"]
            ),
            key=lambda attribute: attribute["name"],
        ),
        "stream_enabled": created["StreamSpecification"]["StreamEnabled"],
        "stream_view_type": created["StreamSpecification"]["StreamViewType"],
        "global_secondary_index": [
            {
                "name": index["IndexName"],
                "hash_key": index_keys["HASH"],
                "range_key": index_keys["RANGE"],
                "projection_type": index["Projection"]["ProjectionType"],
            }
        ],
        "ttl": [
            {
                "attribute_name": ttl["TimeToLiveSpecification"]["AttributeName"],
                "enabled": ttl["TimeToLiveSpecification"]["Enabled"],
            }
        ],
        "point_in_time_recovery": [
            {"enabled": backups["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]}
        ],
        "server_side_encryption": [{"enabled": created["SSESpecification"]["Enabled"]}],
    }


QUEUE_ATTRIBUTES: Final = {
    "visibility_timeout_seconds": "VisibilityTimeout",
    "message_retention_seconds": "MessageRetentionPeriod",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "max_message_size": "MaximumMessageSize",
    "kms_data_key_reuse_period_seconds": "KmsDataKeyReusePeriodSeconds",
    "redrive_allow_policy": "RedriveAllowPolicy",
}


@pytest.mark.parametrize("queue", ["compaction_queue", "compaction_dlq", "stream_dlq"])
def test_the_queues_are_the_same(both: Both, queue: str) -> None:
    name = getattr(both.stack.names, queue)
    asked = call(both, "SetQueueAttributes", "QueueUrl", f"/{name}")["Attributes"]
    redrive = json.loads(asked.pop("RedrivePolicy", "{}"))
    assert asked.pop("KmsMasterKeyId") == both.stack.keys.queues
    (declared,) = [
        said(values) for values in both.plan.of("aws_sqs_queue").values() if values["name"] == name
    ]
    del declared["name"]
    defaults = {"VisibilityTimeout": "30"}  # the default of SQS
    assert {QUEUE_ATTRIBUTES[n]: unquoted(value) for n, value in declared.items()} == {
        n: unquoted(value) for n, value in {**defaults, **asked}.items()
    }
    if queue == "compaction_queue":  # ARNs are known only after the apply
        assert (
            redrive["maxReceiveCount"]
            == both.plan.content["variables"]["max_receive_count"]["value"]
        )
        assert redrive["deadLetterTargetArn"] == both.stack.queues.compaction_dlq.arn
        named = references(both.plan, "aws_sqs_queue.compaction")
        assert 'aws_sqs_queue.dead_letters["compaction_dlq"].arn' in named


def unquoted(value: Any) -> Any:
    return json.loads(value) if str(value).startswith("{") else str(value)


def test_the_buckets_are_the_same(both: Both) -> None:
    name = both.stack.names.bucket
    bucket = both.plan.the("aws_s3_bucket")
    assert said(bucket) == {"bucket": name}
    versioning = both.plan.the("aws_s3_bucket_versioning")
    asked = call(both, "PutBucketVersioning", "Bucket", name)["VersioningConfiguration"]
    assert said(versioning) == {"versioning_configuration": [{"status": asked["Status"]}]}
    public = both.plan.the("aws_s3_bucket_public_access_block")
    asked = call(both, "PutPublicAccessBlock", "Bucket", name)["PublicAccessBlockConfiguration"]
    assert said(public) == {
        "block_public_acls": asked["BlockPublicAcls"],
        "ignore_public_acls": asked["IgnorePublicAcls"],
        "block_public_policy": asked["BlockPublicPolicy"],
        "restrict_public_buckets": asked["RestrictPublicBuckets"],
    }


def test_the_buckets_are_encrypted_the_same(both: Both) -> None:
    asked = call(both, "PutBucketEncryption", "Bucket", both.stack.names.bucket)
    (rule,) = asked["ServerSideEncryptionConfiguration"]["Rules"]
    by_default = rule["ApplyServerSideEncryptionByDefault"]
    assert by_default["KMSMasterKeyID"] == both.stack.keys.bucket
    kind = "aws_s3_bucket_server_side_encryption_configuration"
    declared = both.plan.the(kind)
    algorithm = {"sse_algorithm": by_default["SSEAlgorithm"]}
    assert said(declared) == {
        "rule": [
            {
                "apply_server_side_encryption_by_default": [algorithm],
                "bucket_key_enabled": rule["BucketKeyEnabled"],
            }
        ]
    }


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        ("aws_dynamodb_table.receipts", "table"),
        ("aws_sqs_queue.compaction", "queues"),
        ("aws_sqs_queue.dead_letters", "queues"),
        ("aws_s3_bucket_server_side_encryption_configuration.snapshots", "bucket"),
    ],
)
def test_each_is_encrypted_with_the_key_of_its_purpose(both: Both, resource: str, key: str) -> None:
    assert f'aws_kms_key.this["{key}"].arn' in references(both.plan, resource)
    created = call(both, "CreateTable", "TableName", both.stack.names.table)
    assert created["SSESpecification"]["KMSMasterKeyId"] == both.stack.keys.table


def test_the_keys_are_the_same(both: Both) -> None:
    names = both.stack.names
    aliases = keyed(both.plan, "aws_kms_alias")
    assert set(aliases) == KEYS | KEYS_NOT_QUICK
    asked = {alias["AliasName"] for alias in both.calls["CreateAlias"]}
    assert asked == {aliases[key]["name"] for key in KEYS} == {names.key_alias(k) for k in KEYS}
    keys = keyed(both.plan, "aws_kms_key")
    descriptions = {key["Description"] for key in both.calls["CreateKey"]}
    assert descriptions == {keys[key]["description"] for key in KEYS}
    assert all(key["enable_key_rotation"] for key in keys.values())
    assert len(both.calls["EnableKeyRotation"]) == len(KEYS)


def test_the_log_groups_are_the_same(both: Both) -> None:
    declared = both.plan.of("aws_cloudwatch_log_group").values()
    asked = {
        (retention["logGroupName"], retention["retentionInDays"])
        for retention in both.calls["PutRetentionPolicy"]
    }
    assert {(group["name"], group["retention_in_days"]) for group in declared} == asked


def test_the_same_parameters_are_handed_over(both: Both) -> None:
    declared = keyed(both.plan, "aws_ssm_parameter")
    handed = parameters_of(both.stack)
    assert set(declared) == set(handed)
    for name, values in declared.items():
        assert values["type"] == "String"
        assert values["name"] == f"{both.stack.names.parameters}/{name}"
        if "value" in values:  # an ARN or a URL is known only after the apply
            assert values["value"] == handed[name]
