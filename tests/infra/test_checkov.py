"""Checkov finds nothing in terraform/ and in the built template, and each skip has a reason."""

import re
import subprocess
from pathlib import Path

from local.state import PROJECT
from tests.infra.serverless.templates import built

CHECKOV = PROJECT / ".venv/lint/bin/checkov"


def checkov(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert CHECKOV.exists(), "checkov has an environment of its own: `make check-infra` installs it"
    return subprocess.run(
        [str(CHECKOV), "--skip-download", "--compact", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_nothing_fails_in_terraform() -> None:
    done = checkov("--directory", str(PROJECT / "terraform"), "--framework", "terraform")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Passed checks: \d{2,}, Failed checks: 0", done.stdout)


def test_nothing_fails_in_the_built_template() -> None:
    template = str(built() / "template.yaml")
    done = checkov("--file", template, "--framework", "cloudformation")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Passed checks: \d+, Failed checks: 0", done.stdout)


def test_what_is_unsafe_fails(tmp_path: Path) -> None:
    for name, safe, unsafe in (
        ("keys.tf", "enable_key_rotation     = true", "enable_key_rotation     = false"),
        ("bucket.tf", "block_public_policy     = true", "block_public_policy     = false"),
    ):
        text = (PROJECT / "terraform" / name).read_text()
        assert safe in text
        (tmp_path / name).write_text(text.replace(safe, unsafe))
    checks = ("CKV_AWS_7", "CKV_AWS_54")
    selected = ("--framework", "terraform", "--check", ",".join(checks))
    done = checkov("--directory", str(tmp_path), *selected)
    assert done.returncode != 0
    for check in checks:
        assert f"Check: {check}" in done.stdout


def test_each_skip_says_why() -> None:
    skips = [
        line.strip()
        for path in (PROJECT / "terraform").rglob("*.tf")
        for line in path.read_text().splitlines()
        if "checkov:skip" in line
    ]
    assert skips
    for skip in skips:
        assert re.fullmatch(r"#checkov:skip=CKV2?_AWS_\d+:\w.{30,}", skip), skip
