"""The table of the commands of `receipt-sync`: their modules and their lines in the help.

The order is the order of the help. The line repeats the first paragraph of the command's docstring,
or the `help` of its group. tests/unit/receipt_ops/terminal/test_command_table.py compares the two.
"""

from collections.abc import Mapping
from typing import Final

from receipt_ops.terminal.lazy_commands import Declared

COMMANDS: Final[Mapping[str, Declared]] = {
    "load": Declared(
        "receipt_ops.commands.receipts.load:load_command",
        "Load receipts: write their items to the table and send their vectors as embedding deltas.",
    ),
    "search": Declared(
        "receipt_ops.commands.receipts.search:search_command",
        "Find the nearest lines, or words, in the published snapshot.",
    ),
    "status": Declared(
        "receipt_ops.commands.observation.status:status_command",
        "Show the state of the system on one screen, and the parts that need attention.",
    ),
    "verify": Declared(
        "receipt_ops.commands.consistency.verify:verify_command",
        "Compare the table with the published snapshot: every record, every field.",
    ),
    "repair": Declared(
        "receipt_ops.commands.consistency.repair:repair_command",
        "Repair every difference between table and snapshot, through the path of every change.",
    ),
    "compare": Declared(
        "receipt_ops.commands.consistency.compare:compare_command",
        "Show a line or word side by side: its item, its Chroma record, and messages about it.",
    ),
    "stale": Declared(
        "receipt_ops.commands.consistency.stale:stale_command",
        "Count the records whose text changed after their vector was made, and list their ids.",
    ),
    "trace": Declared(
        "receipt_ops.commands.observation.trace:trace_command",
        "Show the path of one change through the logs of both functions.",
    ),
    "logs": Declared(
        "receipt_ops.commands.observation.logs:logs_command",
        "Show the logs of both functions: time, function, event and details, one event in a line.",
    ),
    "replay": Declared(
        "receipt_ops.commands.recovery.replay:replay_command",
        "Replay the parts of the stream that Lambda gave up, from their failure records.",
    ),
    "backfill": Declared(
        "receipt_ops.commands.consistency.backfill:backfill_command",
        "Send every line and word through the queue, so that the compactor recomputes their "
        "records.",
    ),
    "check-config": Declared(
        "receipt_ops.commands.observation.check_config:check_config_command",
        "Check that the deployed timeouts, retentions and leases fit each other.",
    ),
    "cost": Declared(
        "receipt_ops.commands.observation.cost:cost_command",
        "Estimate the cost of a month by scale, from the counts of a day, a month or a load test.",
    ),
    "smoke": Declared(
        "receipt_ops.commands.probes.smoke:smoke_command",
        "Send one receipt through the deployed system: insert, rename its merchant, delete.",
    ),
    "latency": Declared(
        "receipt_ops.commands.probes.latency:latency_command",
        "Measure the time from a write to the published snapshot, one change after another.",
    ),
    "stress": Declared(
        "receipt_ops.commands.probes.stress:stress_command",
        "Write changes at a steady rate, wait for the backlog, and verify.",
    ),
    "create-test-receipts": Declared(
        "receipt_ops.commands.receipts.receipts_for_tests:create_command",
        "Create synthetic receipts with their vectors, for experiments.",
    ),
    "modify-test-receipts": Declared(
        "receipt_ops.commands.receipts.receipts_for_tests:modify_command",
        "Edit test receipts at random: merchants, lines, words, noise marks, deletions.",
    ),
    "dlq": Declared(
        "receipt_ops.commands.recovery.dlq:dlq",
        "Show, explain, redrive and delete dead letters.",
    ),
    "lock": Declared(
        "receipt_ops.commands.recovery.lock:lock",
        "Show the compactor's leases, or release one.",
    ),
    "snapshot": Declared(
        "receipt_ops.commands.recovery.snapshot:snapshot",
        "Show the published versions, restore one, and delete unused objects.",
    ),
    "flags": Declared(
        "receipt_ops.commands.recovery.flags:flags",
        "Switch parts of the synchronisation on and off.",
    ),
    "alerts": Declared(
        "receipt_ops.commands.observation.alerts:alerts",
        "Manage the receivers of alarms.",
    ),
}
