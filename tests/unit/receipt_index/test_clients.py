"""The clients of a program that passes none."""

import pytest
from botocore.exceptions import NoRegionError

from receipt_index.clients import s3_client


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_region_is_no_region(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore took it for the name of a region, and called an endpoint that does not exist."""
    monkeypatch.setenv("AWS_REGION", blank)
    monkeypatch.setenv("AWS_DEFAULT_REGION", blank)
    with pytest.raises(NoRegionError):
        s3_client()


def test_aws_region_comes_before_the_default_of_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert s3_client().meta.region_name == "eu-central-1"
