"""Plans and sends repairs, and shows the progress."""

from receipt_ops.connection import Connection
from receipt_ops.readers import snapshot_readers
from receipt_ops.repair.dimension_choice import only_dimension
from receipt_ops.repair.plan import Plan, Summary
from receipt_ops.repair.repair import Repair
from receipt_ops.repair.wiring import DEFAULT_LIMIT, newest_of, repair_of
from receipt_ops.terminal.console import notes, progress_bars
from receipt_ops.verification.tasks import verify_with_progress


def plan_with_progress(repair: Repair) -> Plan:
    """Return the plan for all noted faults. Raises MassDeleteError."""
    with notes().status("searching the delta objects for vectors"):
        return repair.plan()


def send_with_progress(repair: Repair, plan: Plan) -> int:
    """Send the planned messages with a progress bar, and return their number."""
    with progress_bars() as progress:
        bar = progress.add_task("changes sent", total=plan.steps)
        return repair.send(lambda count: progress.advance(bar, count))


def repair_whole_table(connection: Connection, *, dry_run: bool) -> Summary:
    """Compare the whole table and repair the differences, within the limit of deletions.

    Raises AmbiguousDimensionError if the deltas of a new collection have several dimensions.
    """
    with (
        snapshot_readers(connection) as readers,
        newest_of(connection, readers, only_dimension) as newest,
        repair_of(connection, readers, newest, DEFAULT_LIMIT) as repair,
    ):
        verify_with_progress(connection, readers, 0, None, repair.note, newest=newest)
        plan = plan_with_progress(repair)
        if not dry_run:
            send_with_progress(repair, plan)
        return plan.summary()
