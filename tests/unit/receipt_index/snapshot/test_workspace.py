import subprocess
import sys
from pathlib import Path

from receipt_index.snapshot.copies.workspace import claim


def test_what_a_dead_process_left_is_removed_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from receipt_index.snapshot.copies.workspace import claim\n"
        "(claim(Path(sys.argv[1]), sys.argv[2]) / 'file').write_text('x')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(
        [*arguments, "living"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as living:
        assert living.stdout is not None
        living.stdout.readline()
        subprocess.run([*arguments, "dead"], stdin=subprocess.DEVNULL, check=True, timeout=30)
        assert (tmp_path / "dead" / "file").exists()
        mine = claim(tmp_path, "mine")
        assert mine.is_dir()
        assert not (tmp_path / "dead").exists()
        assert (tmp_path / "living" / "file").exists()


def test_the_first_folder_below_a_root_makes_the_root(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "root"
    assert claim(root, "first").is_dir()
    assert claim(root, "second").is_dir()
    assert (root / "first").is_dir()
