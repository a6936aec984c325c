"""The command line in a process of its own, with an output that is closed."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("line", ["--version", "--help", "lock show --help"])
def test_a_closed_output_is_no_error(line: str) -> None:
    run = f"exec '{sys.executable}' -c 'from receipt_ops.start import main; main()' {line} >&-"
    ended = subprocess.run(["/bin/sh", "-c", run], stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
