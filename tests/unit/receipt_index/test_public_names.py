"""The names that other programs import from `receipt_index`, and the time that this takes."""

import subprocess
import sys

import pytest

import receipt_index


def test_each_public_name_can_be_imported() -> None:
    assert sorted(receipt_index._MODULES) == sorted(receipt_index.__all__)
    for name in receipt_index.__all__:
        assert getattr(receipt_index, name).__name__ == name
    assert set(receipt_index.__all__) <= set(dir(receipt_index))


def test_another_name_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="DeltaSender"):
        _ = receipt_index.DeltaSender


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import receipt_index", "chromadb boto3 numpy pydantic"),
        ("from receipt_index import VectorSender", "chromadb"),
        ("from receipt_index import SnapshotReader, open_reader", "aws_lambda_powertools typer"),
        ("import receipt_index.records", "chromadb boto3 numpy"),
    ],
)
def test_an_import_loads_only_what_it_needs(statement: str, absent: str) -> None:
    program = f"import sys; {statement}; print(*sorted(set({absent.split()}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
