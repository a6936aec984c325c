"""The quick provisioning: tables, queues, parameters, packages and names."""

import shutil
from collections.abc import Callable
from pathlib import Path

from mypy_boto3_sqs.type_defs import ReceiveMessageRequestTypeDef

from local.quick.names import Names, Options
from local.quick.packages import package
from local.quick.parameters import parameters_of
from local.stack import Stack
from tests.functional.local_aws.recorder_functions import write_sources


def test_what_holds_data_is_provisioned_as_it_is_on_aws(stack: Stack) -> None:
    clients, names = stack.clients(), stack.names
    table = clients.dynamodb.describe_table(TableName=names.table)["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["SSEDescription"]["KMSMasterKeyArn"] == stack.keys.table
    assert table["GlobalSecondaryIndexes"][0]["IndexName"] == "GSI1"
    ttl = clients.dynamodb.describe_time_to_live(TableName=names.table)
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "ttl"
    backups = clients.dynamodb.describe_continuous_backups(TableName=names.table)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert clients.s3.get_bucket_versioning(Bucket=names.bucket)["Status"] == "Enabled"
    public = clients.s3.get_public_access_block(Bucket=names.bucket)
    assert all(public["PublicAccessBlockConfiguration"].values())


def test_what_fails_five_times_goes_to_the_dead_letter_queue(
    new_stack: Callable[..., Stack],
) -> None:
    stack = new_stack(visibility_timeout=1, max_receive_count=1)
    sqs, queues = stack.clients().sqs, stack.queues
    sqs.send_message(QueueUrl=queues.compaction.url, MessageBody="poison")
    receive: ReceiveMessageRequestTypeDef = {
        "QueueUrl": queues.compaction.url, "WaitTimeSeconds": 2,
    }  # fmt: skip
    assert sqs.receive_message(**receive)["Messages"]
    assert "Messages" not in sqs.receive_message(**receive)
    parked = sqs.receive_message(QueueUrl=queues.compaction_dlq.url, WaitTimeSeconds=2)
    assert [message["Body"] for message in parked["Messages"]] == ["poison"]


def test_parameters_hand_over_what_the_functions_are_deployed_with(
    new_stack: Callable[..., Stack],
) -> None:
    stack = new_stack()
    path = stack.names.parameters
    pages = stack.clients().ssm.get_paginator("get_parameters_by_path")
    found = {
        parameter["Name"].removeprefix(f"{path}/"): parameter["Value"]
        for page in pages.paginate(Path=path)
        for parameter in page["Parameters"]
    }
    assert found == parameters_of(stack)
    assert found["stream-arn"] == stack.table.stream_arn


def test_a_package_is_the_same_bytes_for_the_same_sources(tmp_path: Path) -> None:
    sources = write_sources(tmp_path / "one")
    first = package(sources, "compactor")
    copied = Path(shutil.copytree(sources, tmp_path / "two", copy_function=shutil.copyfile))
    (copied / "compactor" / "__pycache__").mkdir()
    (copied / "compactor" / "__pycache__" / "handler.pyc").write_bytes(b"compiled")
    assert package(copied, "compactor") == first
    (copied / "compactor" / "handler.py").write_text("changed = True")
    assert package(copied, "compactor") != first


def test_options_name_the_least_visibility_timeout() -> None:
    assert Options(function_timeout=30).visibility_rule == 180 == Options().visibility_timeout


def test_names_of_two_environments_differ() -> None:
    one, other = Names("a"), Names("b")
    for name in ("table", "bucket", "compaction_queue", "stream_dlq", "compactor", "lock_id"):
        assert getattr(one, name) != getattr(other, name)
