"""Reads, explains, redrives and repairs dead letters, and shows the progress."""

from collections.abc import Iterable

from receipt_ops.connection import Connection
from receipt_ops.dead_letters.content import content_of
from receipt_ops.dead_letters.explanation import DeltaState, Explanation, comes_back, explain
from receipt_ops.dead_letters.queue import DeadLetter, held
from receipt_ops.dead_letters.queues import RedriveSource, Which
from receipt_ops.dead_letters.redriving import MOST, Redriven, drop, redrive
from receipt_ops.dead_letters.wiring import delta_state_of, redrive_sources
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.readers import snapshot_readers
from receipt_ops.terminal.console import progress_bars
from receipt_sync.messages import ReadMessage

Rows = list[tuple[Which, DeadLetter]]


def list_dead_letters(connection: Connection, queue: Which | None) -> tuple[Rows, int]:
    """Return the dead letters with their queues, and the number of unread ones."""
    rows: Rows = []
    unseen = 0
    for source in redrive_sources(connection, Deployment(connection), queue):
        with held(source.dead_letters, MOST) as found:
            rows += [(source.which, dead_letter) for dead_letter in found.dead_letters]
            unseen += found.unseen
    return rows, unseen


def redrive_all(
    connection: Connection, ids: list[str], queue: Which | None, *, force: bool, dry_run: bool
) -> Redriven:
    """Redrive the queues with a progress bar each, and return the combined result."""
    with snapshot_readers(connection) as readers:
        deltas = delta_state_of(connection, readers)
        sources = redrive_sources(connection, Deployment(connection), queue)
        return combine(
            [
                redrive_with_progress(source, ids, deltas, force=force, dry_run=dry_run)
                for source in sources
            ]
        )


def drop_all(
    connection: Connection, ids: list[str], queue: Which | None, *, dry_run: bool
) -> Redriven:
    """Delete dead letters permanently, and return the combined result of the queues."""
    sources = redrive_sources(connection, Deployment(connection), queue)
    done = combine([drop(source.dead_letters, ids, dry_run=dry_run) for source in sources])
    if not done.unknown:  # All named dead letters were found, so the unread ones do not matter.
        done.unseen = 0
    return done


def redrive_with_progress(
    source: RedriveSource, ids: list[str], deltas: DeltaState, *, force: bool, dry_run: bool
) -> Redriven:
    """Redrive a queue with a progress bar. Without `force`, keep what would come back."""

    def refuse(dead_letter: DeadLetter) -> str | None:
        return source.refuse(dead_letter) or (
            None if force else comes_back(explain(dead_letter, deltas))
        )

    with progress_bars() as progress:
        bar = progress.add_task(f"{source.which} dead letters", total=None)
        return redrive(
            source.dead_letters,
            source.send,
            only=ids,
            refuse=refuse,
            dry_run=dry_run,
            advance=lambda count: progress.advance(bar, count),
        )


def explanations_of(
    connection: Connection, ids: list[str], queue: Which | None
) -> tuple[list[Explanation], int]:
    """Return the explanations of the dead letters, and the number of unread ones."""
    found: list[Explanation] = []
    unseen = 0
    with snapshot_readers(connection) as readers:
        deltas = delta_state_of(connection, readers)
        for source in redrive_sources(connection, Deployment(connection), queue):
            with held(source.dead_letters, MOST) as looked:
                found += [
                    explain(dead_letter, deltas)
                    for dead_letter in _wanted(looked.dead_letters, ids)
                ]
                unseen += looked.unseen
    return found, unseen


def restore_deltas(
    connection: Connection, ids: list[str], *, dry_run: bool
) -> tuple[list[str], list[str], int]:
    """Restore the deleted delta objects that the compaction dead letters name.

    Return the keys of the restored objects, the requested ids that were not found, and the number
    of unread dead letters.
    """
    restored: dict[str, bool] = {}
    """By key, whether the object is or can be restored. Several dead letters may name one object.
    """
    (source,) = redrive_sources(connection, Deployment(connection), Which.COMPACTION)
    with snapshot_readers(connection) as readers, held(source.dead_letters, MOST) as found:
        deltas = delta_state_of(connection, readers)
        for dead_letter in _wanted(found.dead_letters, ids):
            content = content_of(dead_letter.body)
            delta = content.delta if isinstance(content, ReadMessage) else None
            if delta and delta.delta_key not in restored:
                restore = deltas.can_be_restored if dry_run else deltas.restore
                restored[delta.delta_key] = restore(delta)
        unknown = missing_ids(ids, {dead_letter.message_id for dead_letter in found.dead_letters})
        return [key for key, done in restored.items() if done], unknown, found.unseen


def missing_ids(ids: Iterable[str] | None, found: set[str]) -> list[str]:
    """Return the named ids that were not found."""
    return sorted(set(ids or ()) - found)


def _wanted(dead_letters: Iterable[DeadLetter], ids: list[str]) -> list[DeadLetter]:
    return [dead_letter for dead_letter in dead_letters if not ids or dead_letter.message_id in ids]


def combine(parts: list[Redriven]) -> Redriven:
    """Return the common result of several queues. An id is unknown if no queue holds it."""
    done = Redriven()
    for part in parts:
        done.moved += part.moved
        done.unseen += part.unseen
        done.kept |= part.kept
    done.unknown = sorted(set.intersection(*(set(part.unknown) for part in parts)))
    return done
