"""Make one folder of files equal to another by moving only the pages that differ."""

from pathlib import Path

from compactor.snapshot.pages import copy_pages, differing_pages, is_clean, list_files, mark_clean


def difference(old: Path, new: Path) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    """Pages of each file of `new` that `old` lacks, and files that only `old` has.

    A file is left out if it is the same. Files that are marked clean on both sides are not read.
    """
    before, after = list_files(old), list_files(new)
    changed: dict[str, list[int]] = {}
    for name, path in after.items():
        counterpart = before.get(name)
        if counterpart is None:
            changed[name] = differing_pages(old / name, path)
        elif not _both_clean(counterpart, path):
            pages = differing_pages(counterpart, path)
            if pages or counterpart.stat().st_size != path.stat().st_size:
                changed[name] = pages
    return changed, tuple(name for name in before if name not in after)


def synchronise(source: Path, target: Path) -> None:
    """Give `target` the files of `source`, and mark both clean."""
    changed, removed = difference(target, source)
    for name, pages in changed.items():
        copy_pages(source / name, target / name, pages)
    for name in removed:
        (target / name).unlink()
    mark_all_clean(source, target)


def mark_all_clean(*folders: Path) -> None:
    """Note on every file that it equals its counterpart in the other folder."""
    for folder in folders:
        for path in list_files(folder).values():
            mark_clean(path)


def _both_clean(one: Path, other: Path) -> bool:
    return is_clean(one) and is_clean(other) and one.stat().st_size == other.stat().st_size
