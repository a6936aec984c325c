"""Make one folder of files equal to another by copying only the pages that differ."""

from pathlib import Path

from receipt_index.snapshot.copies.mtime_marks import are_marked_equal, mark_equal
from receipt_index.snapshot.format.pages import copy_pages, differing_pages, list_files


def difference(old: Path, new: Path) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    """Return the pages of each file that `old` lacks, and the files that only `old` has.

    Files that are the same in both folders are left out. Files that are marked equal are not read.
    """
    before, after = list_files(old), list_files(new)
    changed: dict[str, list[int]] = {}
    for name, path in after.items():
        counterpart = before.get(name)
        if counterpart is None:
            changed[name] = differing_pages(old / name, path)
        elif not _are_surely_equal(counterpart, path):
            pages = differing_pages(counterpart, path)
            if pages or counterpart.stat().st_size != path.stat().st_size:
                changed[name] = pages
    return changed, tuple(name for name in before if name not in after)


def synchronise(source: Path, target: Path) -> None:
    """Give `target` the files of `source`, and mark the files equal."""
    changed, removed = difference(target, source)
    for name, pages in changed.items():
        copy_pages(source / name, target / name, pages)
    for name in removed:
        (target / name).unlink()
    mark_all_equal(source, target)


def mark_all_equal(source: Path, target: Path) -> None:
    """Mark every file of `source` and its counterpart in `target` as equal."""
    for name, path in list_files(source).items():
        mark_equal(path, target / name)


def _are_surely_equal(one: Path, other: Path) -> bool:
    return are_marked_equal(one, other) and one.stat().st_size == other.stat().st_size
