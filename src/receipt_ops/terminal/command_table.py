"""The table of the commands of `receipt-sync`: their modules, lines in the help, and effects.

A new command needs a module in `receipt_ops/commands` and its two entries here.

The order is the order of the help. The line repeats the first paragraph of the command's docstring,
or the `help` of its group. tests/unit/receipt_ops/terminal/test_command_table.py compares the two.
"""

from collections.abc import Mapping
from typing import Final

from receipt_ops.terminal.effects import Effects, Part
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
        "Show the published versions, restore one, rebuild an index, delete unused objects.",
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


def _parts(text: str) -> frozenset[Part]:
    return frozenset(Part[name.upper()] for name in text.split())


def _looks(reads: str, *, verdict: bool = False, writes: str = "") -> Effects:
    return Effects(_parts(reads), _parts(writes), verdict=verdict)


_PROBE: Final = Effects(
    _parts("table snapshots deltas queue settings"),
    _parts("table deltas queue"),
    beside="yes: it measures the compactor",
    ctrl_c="it deletes its test receipts first",
    verdict=True,
)
_DEAD_LETTERS_RELEASED: Final = "it releases the dead letters that it holds; sent changes stay sent"
_LOADS: Final = "written items stay; the same call writes them again"

EFFECTS: Final[Mapping[str, Effects]] = {
    "load": Effects(_parts("settings snapshots"), _parts("table deltas queue"), ctrl_c=_LOADS),
    "search": _looks("snapshots"),
    "status": _looks(
        "snapshots settings queue leases logs metrics dead_letters note", verdict=True
    ),
    "verify": _looks("table snapshots deltas queue settings", writes="note", verdict=True),
    "repair": Effects(
        _parts("table snapshots deltas queue settings"),
        _parts("queue deltas"),
        beside="yes: the compactor applies the sent changes",
        ctrl_c="the compactor applies the sent changes; run it again for the rest",
        verdict=True,
    ),
    "compare": Effects(
        _parts("table snapshots deltas dead_letters queue settings"),
        _parts("queue"),
        beside="yes; --peek holds up to 100 messages for 20 s at most",
        ctrl_c="it releases the messages that it holds",
        verdict=True,
    ),
    "stale": _looks("snapshots"),
    "trace": _looks("logs settings dead_letters", verdict=True),
    "logs": _looks("logs settings"),
    "dlq show": _looks("dead_letters settings", verdict=True),
    "dlq explain": _looks("dead_letters settings deltas snapshots", verdict=True),
    "dlq restore": Effects(
        _parts("dead_letters settings deltas snapshots"),
        _parts("deltas"),
        ctrl_c="restored objects stay; it releases the dead letters",
        verdict=True,
    ),
    "dlq redrive": Effects(
        _parts("dead_letters settings deltas snapshots"),
        _parts("queue dead_letters"),
        ctrl_c=_DEAD_LETTERS_RELEASED,
        verdict=True,
    ),
    "dlq drop": Effects(
        _parts("dead_letters settings"),
        _parts("dead_letters"),
        ctrl_c="deleted dead letters are gone; it releases the others",
        verdict=True,
    ),
    "replay": Effects(
        _parts("dead_letters settings stream table snapshots deltas queue"),
        _parts("queue dead_letters deltas"),
        ctrl_c=_DEAD_LETTERS_RELEASED,
        verdict=True,
    ),
    "backfill": Effects(
        _parts("table queue settings snapshots deltas"),
        _parts("queue files"),
        beside="yes: it waits while the compactor is behind",
        ctrl_c="the place file stays, and a later run with --resume continues from it",
        verdict=True,
    ),
    "lock show": _looks("leases settings"),
    "lock release": Effects(
        _parts("leases settings"),
        _parts("leases"),
        beside="yes: a holder that is at work wastes a cycle, but no update is lost (I3)",
        verdict=True,
    ),
    "snapshot show": _looks("snapshots", verdict=True),
    "snapshot history": _looks("snapshots", verdict=True),
    "snapshot restore": Effects(
        _parts("snapshots deltas queue settings"),
        _parts("snapshots queue settings"),
        beside="yes: it switches the queue's mappings off, and on again at its end",
        ctrl_c="the old version or the restored one is published, never a mixture; the mappings "
        "are on again; repair sends the missing deltas",
    ),
    "snapshot rebuild": Effects(
        _parts("snapshots leases settings"),
        _parts("snapshots leases"),
        beside="yes: it holds the lease, so the collection's messages wait and return",
        ctrl_c="the old version or the rebuilt one is published; the lease is released",
    ),
    "snapshot gc": Effects(
        _parts("snapshots settings"),
        _parts("snapshots"),
        beside="yes: a publish in progress keeps the objects that it needs",
        ctrl_c="only garbage is deleted; the other objects stay",
    ),
    "flags show": _looks("settings", verdict=True),
    "flags set": Effects(
        _parts("settings"),
        _parts("settings"),
        ctrl_c="some switches may be set and others not; see `flags show`",
    ),
    "check-config": _looks("settings snapshots", verdict=True),
    "alerts list": _looks("topic", verdict=True),
    "alerts subscribe": _looks("topic", writes="topic"),
    "alerts unsubscribe": _looks("topic", writes="topic"),
    "alerts test": _looks("topic", writes="topic", verdict=True),
    "cost": _looks("logs settings", writes="files"),
    "smoke": _PROBE,
    "latency": _PROBE,
    "stress": _PROBE,
    "create-test-receipts": Effects(
        _parts("settings snapshots"), _parts("table deltas queue"), ctrl_c=_LOADS
    ),
    "modify-test-receipts": Effects(
        _parts("table settings snapshots"), _parts("table deltas queue"), ctrl_c=_LOADS
    ),
}
"""The effects by the command's name."""
