"""A cold worker says how far it is, and a warm one has nothing to say."""

from pathlib import Path

from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.copies.progress import Progress
from receipt_sync.keys import Collection
from tests.unit.receipt_index.snapshot.setting import Setting


def test_every_quarter_is_told_once() -> None:
    reported: list[tuple[int, int]] = []
    progress = Progress(10, lambda done, total: reported.append((done, total)))
    for _ in range(10):
        progress.one_more()
    assert reported == [(3, 10), (5, 10), (8, 10), (10, 10)]


def test_a_cold_worker_tells_of_blocks_and_packs_alike(tmp_path: Path) -> None:
    setting, reported = Setting(tmp_path), list[tuple[int, int]]()
    copy = setting.copy("one")
    for number in range(12):
        setting.publish(copy, **{f"k{number}": "v"})
    mirror = Mirror(
        setting.store,
        Collection.LINES,
        tmp_path / "cold",
        on_progress=lambda done, total: reported.append((done, total)),
    )
    mirror.refresh()
    total = len(setting.manifest().objects)
    assert reported[-1] == (total, total)
    assert len(reported) == 4
    setting.publish(copy, last="v")
    mirror.refresh()
    assert len(reported) == 4
