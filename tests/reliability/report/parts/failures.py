"""The failure table of the design. Each row names its tests."""

from typing import Final

_COMPACTION: Final = "tests/unit/compactor/batch/test_compaction.py::test_"
_PROCESSOR: Final = "tests/unit/stream_processor/test_processor.py::test_"
_PUBLISHER: Final = "tests/unit/stream_processor/test_publisher.py::test_"
_FUNCTIONAL: Final = "tests/functional/test_stream_processor.py::test_"
_SOURCE: Final = "tests/unit/compactor/cycle/test_source.py::test_"
_DAMAGE: Final = "tests/functional/snapshot/test_damage.py::test_"
_SNAPSHOT: Final = "tests/unit/receipt_index/snapshot/"
_CONVERGENCE: Final = "tests/property/test_convergence.py"

FAILURES: Final[dict[str, tuple[str, ...]]] = {
    "malformed stream record": (
        f"{_PROCESSOR}malformed_stream_record_is_parked_and_the_shard_goes_on",
        f"{_FUNCTIONAL}a_malformed_record_arrives_in_the_dead_letter_queue_with_its_reason",
        "tests/unit/stream_processor/test_odd_records.py",
    ),
    "SQS refuses some entries of a batch": (
        f"{_PUBLISHER}what_sqs_does_not_confirm_is_sent_again_with_pauses_and_nothing_else_is",
        f"{_PUBLISHER}what_is_refused_every_time_is_returned_after_five_tries",
        f"{_PUBLISHER}every_message_is_taken_once_or_returned",
        f"{_PROCESSOR}what_could_not_be_sent_comes_again_from_the_lowest_sequence_number",
    ),
    "the queue is down": (
        f"{_PROCESSOR}the_queue_is_down_the_invocation_fails_and_the_stream_holds_its_position",
        f"{_PUBLISHER}a_queue_that_is_down_returns_every_message_and_its_code_is_told",
        f"{_FUNCTIONAL}a_queue_that_does_not_exist_fails_the_invocation",
    ),
    "message twice, late, reordered": (
        f"{_COMPACTION}message_twice_late_reordered_ends_in_the_same_state",
        _CONVERGENCE,
        "tests/property/test_server_convergence.py",
    ),
    "change before its vector exists": (
        f"{_COMPACTION}change_before_its_vector_exists_updates_nothing_and_the_vector_brings_the_present",
        "tests/unit/compactor/cycle/test_plan.py::test_a_change_before_its_vector_exists_has_nothing_to_update",
    ),
    "entity deleted before its vector arrives": (
        f"{_COMPACTION}entity_deleted_before_its_vector_arrives_is_not_inserted",
        "tests/unit/compactor/cycle/test_plan.py::test_an_entity_deleted_before_its_vector_arrives_is_not_inserted",
    ),
    "the worker dies anywhere": (
        "tests/unit/compactor/locking/test_lease.py::test_a_waiting_cycle_gets_a_lease_that_runs_out",
        "tests/unit/receipt_index/snapshot/test_workspace.py",
        f"{_COMPACTION}a_cycle_with_nothing_to_write_publishes_an_empty_version_before_it_acknowledges",
    ),
    "a message kills its worker each time": (
        "tests/unit/compactor/batch/test_division.py",
        "tests/unit/compactor/server/test_deadly_batches.py",
        "tests/reliability/simulation/test_simulation.py::test_a_deadly_message_takes_no_other_message_with_it",
    ),
    "a rebuild of the index fails, or lacks time, memory or disk": (
        f"{_SNAPSHOT}test_rebuilding.py::"
        "test_a_rebuild_without_room_waits_and_the_publish_does_not",
        f"{_SNAPSHOT}test_rebuilding.py::"
        "test_a_failed_rebuild_fails_no_publish_and_is_tried_again_later",
    ),
    "a paused worker wakes after another took over": (
        f"{_COMPACTION}a_paused_worker_wakes_after_another_took_over_and_is_refused",
        "tests/unit/receipt_index/snapshot/test_working_copy.py::test_a_refused_swap_throws_the_work_away",
        "tests/functional/snapshot/test_store.py::test_a_manifest_is_swapped_only_for_the_version_checked_out",
        "tests/unit/receipt_index/server/test_target.py::test_the_paused_ones_publish_is_refused_whatever_the_other_did",
    ),
    "a manifest or pack is unreadable": (
        "tests/unit/receipt_index/snapshot/test_working_copy.py::test_a_manifest_or_pack_is_unreadable_so_the_cycle_stops_with_a_clear_error",
        f"{_DAMAGE}damage_is_refused_by_worker_and_reader_and_the_good_version_stays",
        f"{_DAMAGE}the_version_before_the_damage_can_be_made_the_newest",
        f"{_DAMAGE}the_compactor_returns_its_messages_and_raises_the_alarm",
    ),
    "table throttles": (
        f"{_COMPACTION}table_throttles_then_fails_and_nothing_is_deleted",
        f"{_SOURCE}throttles_are_tried_again_inside_the_deadline",
        f"{_SOURCE}endless_throttling_is_no_absence",
        f"{_SOURCE}any_other_error_is_no_absence",
        f"{_SOURCE}a_page_that_fails_halfway_is_no_answer",
    ),
    "a batch, a delta or a merchant's receipts are larger than memory": (
        "tests/unit/compactor/batch/test_slices.py",
        "tests/reliability/bounds/test_bounds.py",
        "tests/unit/compactor/batch/test_parking.py",
    ),
    "a mass delete comes beside other changes": (
        "tests/unit/compactor/cycle/test_delete_guard.py",
        f"{_COMPACTION}a_cycle_that_would_delete_more_than_its_share_stops_and_raises_an_alarm",
    ),
    "a poison record in a batch of 1,000": (
        f"{_COMPACTION}a_poison_record_in_a_batch_of_1000_leaves_999_applied_and_one_parked",
    ),
    "Chroma raises InternalError": (
        f"{_COMPACTION}chroma_raises_internalerror_for_everything_so_the_batch_goes_back",
        "tests/unit/compactor/batch/test_bisection.py",
        "tests/unit/receipt_index/snapshot/test_working_copy.py::test_a_dirty_copy_is_never_reused",
    ),
    "the answer of a write is lost after its effect": (
        "tests/reliability/lost_answers/test_lost_answers.py::test_each_kind_of_call_survives_the_loss_of_its_answer",
        "tests/unit/receipt_index/snapshot/test_s3_store.py",
        "tests/unit/compactor/locking/test_lease.py::test_a_lease_that_an_unanswered_try_has_taken_is_held_at_once",
        "tests/unit/compactor/locking/test_lease.py::test_a_release_without_an_answer_does_not_fail_the_cycle",
        "tests/functional/test_lock_table.py::test_a_lock_is_acquired_extended_and_released_though_the_answer_is_lost",
    ),
    "the manifest is gone while objects exist": (
        "tests/unit/receipt_index/snapshot/test_working_copy.py::test_a_cold_worker_publishes_nothing_over_a_snapshot_without_its_manifest",
        "tests/unit/receipt_index/snapshot/test_working_copy.py::test_a_first_publish_that_ends_after_its_blocks_is_followed_by_another",
        "tests/unit/receipt_index/server/test_target.py::test_a_cold_worker_begins_nothing_anew_on_records_without_a_manifest",
    ),
    "a reader is killed in the middle of a refresh and starts again on its folder": (
        "tests/reliability/crashes/readers/test_reader_kills.py",
        "tests/functional/snapshot/test_reader_restart.py",
        f"{_SNAPSHOT}test_reader_restart.py",
    ),
    "a refresh fails": (
        f"{_SNAPSHOT}test_reader_refresh.py::test_a_read_that_times_out_costs_that_read",
        f"{_SNAPSHOT}test_reader_refresh.py::test_blocks_that_were_fetched_before_a_time_out_are_kept",
        f"{_SNAPSHOT}test_reader_refresh.py::test_a_damaged_version_is_fetched_once_until_its_manifest_changes",
        f"{_SNAPSHOT}test_reader_disk.py",
    ),
    "a reader finds a lower version": (
        f"{_SNAPSHOT}test_reader_refresh.py::test_a_reader_goes_to_a_lower_version_only_by_a_restore",
        f"{_SNAPSHOT}test_reader_restart.py::test_a_restarted_reader_does_not_go_back",
        f"{_SNAPSHOT}test_reader_restart.py::test_a_restarted_reader_knows_that_a_manifest_was_there",
    ),
    "a vector that float32 distance cannot hold": (
        "tests/unit/receipt_index/test_deltas.py::test_a_delta_that_breaks_the_contract_is_refused_with_its_reason",
        "tests/unit/receipt_index/test_deltas.py::test_lengths_that_float32_holds_are_taken_and_so_is_none",
        "tests/unit/compactor/cycle/test_readback.py::test_a_vector_that_is_stored_as_nan_is_found",
        f"{_COMPACTION}a_vector_that_float32_distance_cannot_hold_is_parked_with_the_rule",
    ),
    "an operator restores an older version": (
        "tests/functional/commands/test_restore.py",
        "tests/unit/receipt_ops/snapshots/test_restoring.py",
        "tests/unit/receipt_ops/repair/test_deltas_of_bucket.py",
    ),
    "verify runs while the table is written to": (
        "tests/unit/receipt_ops/verification/test_suspects.py",
        "tests/unit/receipt_ops/verification/test_settling.py",
    ),
    "a command runs beside the compactor, or is ended by a signal": (
        "tests/functional/commands/test_beside_the_compactor.py",
        "tests/functional/commands/test_signals.py",
        "tests/unit/receipt_ops/test_scratch.py",
    ),
    "clock skew between workers": (
        "tests/unit/compactor/locking/test_lease.py::test_clock_skew_between_workers_costs_at_most_a_wasted_cycle",
        "tests/functional/test_lock_table.py::test_expiry_is_compared_in_milliseconds_and_ttl_only_cleans_up",
    ),
}
"""The failure, and the pytest ids of its tests."""
