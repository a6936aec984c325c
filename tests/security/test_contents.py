"""Packages and the project itself hold no secret, no receipt and no test."""

import io
import zipfile
from pathlib import Path
from random import Random

import pytest

from deployment_package.building import PACKAGES
from local.quick.packages import SOURCES, package
from local.state import PROJECT
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_sync.errors import SettingsError
from receipt_sync.settings import CompactorSettings
from tests.infra.serverless.templates import built
from tests.security.contents import SECRETS, kept_files, secrets_in

FUNCTIONS = {"StreamProcessorFunction": "stream_processor", "CompactorFunction": "compactor"}
EXAMPLES = {
    "an AWS access key": b"key = AKIA" + b"ABCDEFGHIJKLMNOP",
    "an AWS secret key": b"aws_secret_access_key = " + b"a" * 40,
    "a private key": b"-----BEGIN RSA " + b"PRIVATE KEY-----\n" + b"A" * 64,
    "a GitHub token": b"ghp_" + b"a" * 36,
    "a Chroma Cloud key": b"ck-" + b"a" * 44,
    "a password in a URL": b"https://someone:" + b"hunter2@example.com/x",
}
_IN_DOCSTRINGS = {"a password in a URL"}
"""Kinds of secrets that occur in the docstrings of other packages, as examples."""
ENVIRONMENT = {
    "ENVIRONMENT": "dev",
    "DYNAMODB_TABLE": "table",
    "COMPACTION_QUEUE_URL": "https://queue",
    "COMPACTION_DLQ_URL": "https://dlq",
    "SNAPSHOT_BUCKET": "bucket",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_would_be_found(kind: str) -> None:
    assert secrets_in(b"text before " + EXAMPLES[kind] + b" after") == [kind]


def test_no_file_of_the_project_holds_a_secret() -> None:
    files = list(kept_files(PROJECT))
    assert PROJECT / "template.yaml" in files
    assert len(files) > 300
    assert {path: found for path in files if (found := secrets_in(path.read_bytes()))} == {}


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_a_local_package_holds_the_functions_own_code_and_nothing_else(function: str) -> None:
    with zipfile.ZipFile(io.BytesIO(package(SOURCES, function))) as archive:
        names = archive.namelist()
        contents = b"\n".join(archive.read(name) for name in names)
    assert {name.split("/")[0] for name in names} == set(PACKAGES[function])
    assert {Path(name).suffix for name in names} <= {".py", ".txt", ".typed"}
    assert secrets_in(contents) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_package_holds_no_code_of_ours_but_its_own(function: str) -> None:
    folder, own = built() / function, set(PACKAGES[FUNCTIONS[function]])
    project = {path.name for root in (PROJECT, SOURCES) for path in root.iterdir()}
    assert own <= project
    assert {path.name for path in folder.iterdir()} & project == own
    files = [path for name in own for path in (folder / name).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".py", ".pyc"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_package_holds_no_secret_no_receipt_and_no_test(function: str) -> None:
    files = [path for path in (built() / function).rglob("*") if path.is_file()]
    texts = [r.lines[0].text.encode() for r in synthetic_receipts(20, Random(1))]
    names = {part for path in files for part in path.relative_to(built() / function).parts}
    assert not names & {"tests", "test", "conftest.py", ".env", "samconfig.toml", ".git"}
    suffixes = {path.suffix for path in files}
    assert not suffixes & {".jsonl", ".npz", ".sqlite3", ".tfstate", ".pickle", ".key"}
    for path in files:
        if path.suffix in (".so", ".pyc"):
            continue
        content = path.read_bytes()
        assert set(secrets_in(content)) <= _IN_DOCSTRINGS, path
        assert not any(text in content for text in texts), path


def test_no_image_is_built_so_none_can_hold_a_secret() -> None:
    """The functions are deployed as zips. A container image needs a test of its layers here."""
    assert not [path for path in kept_files(PROJECT) if "Dockerfile" in path.name]
    assert "PackageType" not in (PROJECT / "template.yaml").read_text()


@pytest.mark.parametrize("name", ["CHROMA_TOKEN", "CHROMA_API_KEY"])
def test_a_secret_of_the_environment_is_in_no_text_of_the_settings(name: str) -> None:
    settings = CompactorSettings.read({**ENVIRONMENT, name: "hunter2hunter2"})
    for text in (repr(settings), str(settings), settings.model_dump_json(), str(vars(settings))):
        assert "hunter2" not in text


@pytest.mark.parametrize("name", ["LEASE_SECONDS", "CHROMA_PORT", "COMPACTION_QUEUE_URL"])
def test_a_wrong_setting_is_named_and_its_value_is_not_quoted(name: str) -> None:
    """An operator may have put a secret into the wrong variable."""
    with pytest.raises(SettingsError, match=name) as raised:
        CompactorSettings.read({**ENVIRONMENT, name: "hunter2hunter2"})
    assert "hunter2" not in str(raised.value)
