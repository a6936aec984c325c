"""A new field needs one edit: an entry in the table of fields."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TABLE = Path("receipt_sync/fields.py")


def test_a_field_of_the_table_is_detected_read_projected_and_compared(tmp_path: Path) -> None:
    sources = tmp_path / "src"
    shutil.copytree(PROJECT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
    table = (sources / TABLE).read_text()
    for last, added in (
        ('    Field("is_noise"),\n', '    Field("language"),\n'),
        ('    Field("canonical_place_id"),\n', '    Field("merchant_website"),\n'),
    ):
        assert table.count(last) == 1
        table = table.replace(last, last + added)
    (sources / TABLE).write_text(table)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.new_field", "language", "merchant_website"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": f"{sources}{os.pathsep}{PROJECT}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "changes": [["language"], ["merchant_website"]],
        "metadata": {"language": "new", "merchant_website": "new"},
        "sound": "EQUAL",
        "damaged": ["language", "merchant_website"],
    }
