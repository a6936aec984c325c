"""The versioned bucket for snapshots and deltas."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local.clients import Clients
from local.quick.names import Names

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def ensure_bucket(clients: Clients, names: Names, key_arn: str) -> str:
    """Return the name of the environment's bucket, and create the bucket if it is absent.

    It is versioned, encrypted with the key, and blocks public access.
    """
    s3, bucket = clients.s3, names.bucket
    if not _exists(s3, bucket):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": key_arn,
                    },
                    "BucketKeyEnabled": True,
                }
            ]
        },
    )
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    return bucket


def delete_bucket(clients: Clients, names: Names) -> None:
    """Delete all versions of all objects, and then the bucket.

    Do nothing if the bucket is absent.
    """
    s3, bucket = clients.s3, names.bucket
    if not _exists(s3, bucket):
        return
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def _exists(s3: "S3Client", bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return False
    return True
