"""A new collection needs one edit of the code: its entity type in the module of keys."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
KEYS: Final = Path("receipt_sync/keys.py")
LETTERS: Final = (
    ('(?:#WORD#{_ID})?)")', '(?:#WORD#{_ID}(?:#LETTER#{_ID})?)?)")'),
    ('(?:#WORD#[^#]*)?)")', '(?:#WORD#[^#]*(?:#LETTER#[^#]*)?)?)")'),
    ('    WORD = "RECEIPT_WORD"\n', '    WORD = "RECEIPT_WORD"\n    LETTER = "RECEIPT_LETTER"\n'),
    (
        '    WORDS = "receipt_words"\n',
        '    WORDS = "receipt_words"\n    LETTERS = "receipt_letters"\n',
    ),
    (
        "    word_id: int | None = None\n",
        "    word_id: int | None = None\n    letter_id: int | None = None\n",
    ),
    (
        "        return EntityType.LINE if self.word_id is None else EntityType.WORD\n",
        "        if self.word_id is None:\n            return EntityType.LINE\n"
        "        return EntityType.WORD if self.letter_id is None else EntityType.LETTER\n",
    ),
    (
        "        return Collection.LINES if self.word_id is None else Collection.WORDS\n",
        "        if self.word_id is None:\n            return Collection.LINES\n"
        "        return Collection.WORDS if self.letter_id is None else Collection.LETTERS\n",
    ),
    (
        '        return line if self.word_id is None else f"{line}#WORD#{self.word_id:05d}"\n',
        "        if self.word_id is None:\n            return line\n"
        '        word = f"{line}#WORD#{self.word_id:05d}"\n'
        "        if self.letter_id is None:\n            return word\n"
        '        return f"{word}#LETTER#{self.letter_id:05d}"\n',
    ),
    (
        "        word_id = self.word_id + step\n",
        "        if self.letter_id is not None:\n"
        "            letter_id = self.letter_id + step\n"
        "            return self._replace(letter_id=letter_id) if letter_id >= 0 else None\n"
        "        word_id = self.word_id + step\n",
    ),
    (
        "        receipt_id, line_id, word_id = match.groups()\n",
        "        receipt_id, line_id, word_id, letter_id = match.groups()\n",
    ),
    (
        "            None if word_id is None else int(word_id),\n",
        "            None if word_id is None else int(word_id),\n"
        "            None if letter_id is None else int(letter_id),\n",
    ),
)
"""The edits of a third collection, `receipt_letters`: each old text and the text in its place."""


def test_a_collection_of_letters_is_synchronised_searched_switched_and_verified(
    tmp_path: Path,
) -> None:
    sources = tmp_path / "src"
    shutil.copytree(PROJECT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
    keys = (sources / KEYS).read_text()
    for old, new in LETTERS:
        assert keys.count(old) == 1, old
        keys = keys.replace(old, new)
    (sources / KEYS).write_text(keys)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.new_collection"],
        cwd=PROJECT,
        env={
            **os.environ,
            "PYTHONPATH": f"{sources}{os.pathsep}{PROJECT}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    letter = "IMAGE#img#RECEIPT#00001#LINE#00001#WORD#00002#LETTER#00003"
    assert json.loads(done.stdout) == {
        "merchant": {"image_id": "img", "receipt_id": 1}
        | {"line_id": 1, "word_id": 2, "letter_id": 3}
        | {"text": "M", "merchant_name": "Cafe Luna"},
        "corrected": {"text": "N", "embedding_stale": True},
        "neighbour": {"prev_letter_text": "N"},
        "differences": [],
        "sound": "EQUAL",
        "damaged": ["text"],
        "deleted": True,
        "enabled": ["RECEIPT_METADATA", "RECEIPT_LINE", "RECEIPT_WORD"],
        "flag": "ENABLE_LETTER_UPDATES",
        "options": ["metadata", "line", "word", "letter", "stream", "queue"],
        "searched": [letter, "1.2.3"],
        "collections": ["receipt_lines", "receipt_words", "receipt_letters"],
    }
