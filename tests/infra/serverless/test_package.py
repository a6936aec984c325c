"""The deployment packages: their content, their size, and whether they work."""

import os
import re
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import botocore
import pytest

from deployment_package import cli
from deployment_package.building import PACKAGES, build
from deployment_package.bytecode import find_python
from deployment_package.errors import PackageError, TooLargeError
from deployment_package.lock import locked_requirements
from deployment_package.pruning import prune
from deployment_package.sizes import LIMITS, MIB, Limit, measure
from deployment_package.targets import HERE, LAMBDA, target_of
from deployment_package.wheels import install
from local.state import PROJECT
from tests.infra.serverless.templates import built, sam

LAMBDA_PYTHON = find_python(LAMBDA.python)
RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "dateutil", "urllib3", "six.py", "jmespath")
"""Packages of Lambda's runtime."""

FUNCTIONS = {"StreamProcessorFunction": "stream_processor", "CompactorFunction": "compactor"}

LOCK = """\
one==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:aa
one==2.0 ; python_full_version >= '3.12' \\
    --hash=sha256:bb
other-thing==3.0 \\
    --hash=sha256:cc
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    return path


def listed(folder: Path, *names: str) -> Path:
    path = folder / "requirements.txt"
    path.write_text("# a comment\n" + "\n".join(names) + "\n")
    return path


def test_versions_and_hashes_come_from_the_lock_for_every_python(
    tmp_path: Path, lock: Path
) -> None:
    found = locked_requirements(listed(tmp_path, "one"), lock)
    assert found == LOCK[: LOCK.index("other")]
    assert locked_requirements(listed(tmp_path, "Other_Thing"), lock) == LOCK[LOCK.index("other") :]


def test_a_name_that_the_lock_has_not_is_refused(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(PackageError, match="another, which"):
        locked_requirements(listed(tmp_path, "one", "another"), lock)


def test_a_wheel_without_the_locks_hash_is_not_installed(tmp_path: Path) -> None:
    entry = locked_requirements(listed(tmp_path, "jmespath"), PROJECT / "requirements.lock")
    wrong = tmp_path / "wrong.lock"
    wrong.write_text(re.sub(r"sha256:.{64}", f"sha256:{'0' * 64}", entry))
    with pytest.raises(PackageError, match=r"(?i)hash"):
        install(listed(tmp_path, "jmespath"), wrong, tmp_path / "installed", LAMBDA)


def test_a_folder_of_no_function_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="give a function's package"):
        build("nothing", tmp_path, LAMBDA)


def test_the_environment_chooses_the_target() -> None:
    assert target_of({}) is LAMBDA
    assert target_of({"PACKAGE_FOR": "here"}) is HERE
    with pytest.raises(PackageError, match="PACKAGE_FOR is 'mars'"):
        target_of({"PACKAGE_FOR": "mars"})


def test_a_python_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    shim = tmp_path / "python9.9"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    nowhere = str(tmp_path / "absent")
    assert find_python(here, [str(shim), nowhere, sys.executable]) == sys.executable
    assert find_python("9.9", [str(shim), nowhere, sys.executable]) is None


def test_pruning_takes_tests_and_headers_and_leaves_what_runs(tmp_path: Path) -> None:
    kept = ("one/__init__.py", "one/testing.py", "one/core.so", "one-1.dist-info/METADATA")
    gone = (
        "one/tests/test_a.py",
        "one/core.pyi",
        "one/core.h",
        "bin/one",
        "one-1.dist-info/RECORD",
    )
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    prune(tmp_path)
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert left == set(kept)


@pytest.mark.parametrize("function", LIMITS)
def test_the_built_package_keeps_its_limit(function: str) -> None:
    size = measure(built(), function)
    assert size.fits, size


def test_a_package_past_its_limit_fails_make_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for function in LIMITS:
        (tmp_path / function).mkdir()
        (tmp_path / function / "large.so").write_bytes(bytes(2 * MIB))
    small = {function: Limit(3 * MIB, MIB) for function in LIMITS}
    monkeypatch.setattr("deployment_package.sizes.LIMITS", small)
    cli.size(tmp_path)
    assert "fits" in capsys.readouterr().out
    monkeypatch.setitem(small, "CompactorFunction", Limit(3 * MIB, 100))
    with pytest.raises(TooLargeError, match=r"^CompactorFunction: larger than the limit"):
        cli.size(tmp_path)
    monkeypatch.setitem(small, "CompactorFunction", Limit(MIB))
    with pytest.raises(TooLargeError):
        cli.size(tmp_path, as_json=True)


def test_what_was_not_built_has_no_size(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deployment_package", "size", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "run `sam build` first" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("function", LIMITS)
def test_every_module_has_byte_code_that_no_source_is_asked_about(function: str) -> None:
    if LAMBDA_PYTHON is None:
        pytest.skip(f"no Python {LAMBDA.python} on this machine")
    sources = [
        path for path in (built() / function).rglob("*.py") if "__pycache__" not in path.parts
    ]
    assert len(sources) > 100
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-312.pyc"
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, f"{compiled}: PEP 552 says 1 for an unchecked hash"


@pytest.mark.parametrize("function", LIMITS)
def test_no_wheel_needs_a_newer_c_library_than_lambdas(function: str) -> None:
    tags = [
        line.rsplit("-", 1)[1]
        for wheel in (built() / function).glob("*.dist-info/WHEEL")
        for line in wheel.read_text().splitlines()
        if line.startswith("Tag:")
    ]
    versions = [found for tag in tags if (found := re.fullmatch(r"manylinux_2_(\d+)_x86_64", tag))]
    assert versions
    assert all(int(found[1]) <= 34 for found in versions), "Amazon Linux 2023 has glibc 2.34"


@cache
def runnable(function: str) -> tuple[Path, str]:
    """Return a package and a Python of this machine that runs it, if possible Lambda's version."""
    if LAMBDA_PYTHON is not None:
        return built() / function, LAMBDA_PYTHON
    folder = built().parent / "here" / function
    return build(FUNCTIONS[function], folder, HERE).folder, sys.executable


def run_built(function: str, script: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with only the package and the packages of Lambda's runtime."""
    package, python = runnable(function)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for name in RUNTIME_HAS:
        (runtime / name).symlink_to(Path(botocore.__file__).parents[1] / name)
    return subprocess.run(
        [python, "-S", "-c", textwrap.dedent(script), str(tmp_path)],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{package}:{runtime}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(tmp_path),
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


IMPORTS = """
    import pathlib, sys
    import {function}.handler as handler
    assert callable(handler.lambda_handler)
    package = pathlib.Path(handler.__file__).parents[1]
    for folder in {packages}:
        for path in sorted((package / folder).rglob("*.py")):
            name = ".".join(path.relative_to(package).with_suffix("").parts)
            __import__(name.removesuffix(".__init__"))
    files = [str(getattr(module, "__file__", "")) for module in list(sys.modules.values())]
    assert not [name for name in files if "site-packages" in name]
"""

CHROMA = """
    import sys
    import chromadb, numpy
    client = chromadb.PersistentClient(sys.argv[1] + "/chroma")
    lines = client.get_or_create_collection("receipt_lines", embedding_function=None)
    vectors = numpy.eye(4, 8, dtype=numpy.float32)
    numbers = [{"number": number} for number in range(4)]
    lines.upsert(list("abcd"), embeddings=vectors, documents=list("ABCD"), metadatas=numbers)
    lines.update(["b"], metadatas=[{"number": None, "merchant_name": "Luna"}])
    lines.delete(["d"])
    client.close()
    lines = chromadb.PersistentClient(sys.argv[1] + "/chroma").get_collection(
        "receipt_lines", embedding_function=None
    )
    assert lines.count() == 3
    assert lines.get(["b"])["metadatas"] == [{"merchant_name": "Luna"}]
    assert lines.get(where={"merchant_name": "Luna"})["ids"] == ["b"]
    assert lines.query(query_embeddings=vectors[2:3], n_results=1)["documents"] == [["C"]]
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_imports_from_the_built_package(function: str, tmp_path: Path) -> None:
    done = run_built(
        function,
        IMPORTS.format(function=FUNCTIONS[function], packages=PACKAGES[FUNCTIONS[function]]),
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_chroma_writes_and_reads_in_the_built_package(tmp_path: Path) -> None:
    done = run_built("CompactorFunction", CHROMA, tmp_path)
    assert done.returncode == 0, done.stderr


def test_sam_refuses_to_build_away_from_the_project(tmp_path: Path) -> None:
    done = sam("build", "--no-build-in-source", "--build-dir", str(tmp_path / "build"))
    assert done.returncode != 0
    assert "sam build with --build-in-source" in done.stderr
