"""The commands of `receipt-sync`: where each is, and its line in the help.

The order is the order of the help. The line repeats the first paragraph of the command's docstring,
or the `help` of its group. tests/unit/operations/test_command_table.py compares the two.
"""

from collections.abc import Mapping
from typing import Final

from operations.lazy_commands import Declared

COMMANDS: Final[Mapping[str, Declared]] = {
    "load": Declared(
        "operations.commands.load:load_command",
        "Load receipts: items into the table, vectors through embedding deltas.",
    ),
    "search": Declared(
        "operations.commands.search:search_command",
        "Find the nearest lines, or words, in the published snapshot.",
    ),
    "status": Declared(
        "operations.commands.status:status_command",
        "Show on one screen how the system is, and what of it needs a person.",
    ),
    "verify": Declared(
        "operations.commands.verify:verify_command",
        "Compare the table with the published snapshot: every record, every field.",
    ),
    "repair": Declared(
        "operations.commands.repair:repair_command",
        "Send what differs through the path of every change, so that the compactor repairs it.",
    ),
    "compare": Declared(
        "operations.commands.compare:compare_command",
        "Show one line or word side by side: the table's item, Chroma's record, and what waits.",
    ),
    "stale": Declared(
        "operations.commands.stale:stale_command",
        "Count the records whose text has changed since their vector was made, and list their ids.",
    ),
    "trace": Declared(
        "operations.commands.trace:trace_command",
        "Show the way of one change through the logs: who took it, what became of it, and when.",
    ),
    "logs": Declared(
        "operations.commands.logs:logs_command",
        "Show what both functions have logged, a line each: when, which, what, and the details.",
    ),
    "replay": Declared(
        "operations.commands.replay:replay_command",
        "Replay the parts of the stream that Lambda gave up, from their failure records.",
    ),
    "backfill": Declared(
        "operations.commands.backfill:backfill_command",
        "Send every line and word of the table through the queue, so that its record "
        "is computed anew.",
    ),
    "check-config": Declared(
        "operations.commands.check_config:check_config_command",
        "Check the sums between timeouts, retentions and leases of what is deployed.",
    ),
    "cost": Declared(
        "operations.commands.cost:cost_command",
        "Estimate what a month costs, by scale, from what a day, a month or a load "
        "test has counted.",
    ),
    "smoke": Declared(
        "operations.commands.smoke:smoke_command",
        "Send one receipt through the deployed system: insert, rename its merchant, delete.",
    ),
    "latency": Declared(
        "operations.commands.latency:latency_command",
        "Measure the time from a write to the published snapshot, one change after another.",
    ),
    "stress": Declared(
        "operations.commands.stress:stress_command",
        "Write changes at a steady rate, wait for the backlog, and verify.",
    ),
    "create-test-receipts": Declared(
        "operations.commands.trial_receipts:create_command",
        "Create made-up receipts with their vectors, for trying things out.",
    ),
    "modify-test-receipts": Declared(
        "operations.commands.trial_receipts:modify_command",
        "Edit test receipts at random: merchants, lines, words, noise marks, deletions.",
    ),
    "dlq": Declared(
        "operations.commands.dlq:dlq",
        "Look at dead letters, explain them, and bring them back.",
    ),
    "lock": Declared(
        "operations.commands.lock:lock",
        "Look at the compactor's leases, or end one.",
    ),
    "snapshot": Declared(
        "operations.commands.snapshot:snapshot",
        "Look at what is published, and go back.",
    ),
    "flags": Declared(
        "operations.commands.flags:flags",
        "Switch parts of the synchronisation on and off.",
    ),
    "alerts": Declared(
        "operations.commands.alerts:alerts",
        "Decide who is told of an alarm.",
    ),
}
