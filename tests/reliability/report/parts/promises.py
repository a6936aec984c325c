"""The promises beside the failure table. Each names its tests."""

from typing import Final

Tests = tuple[str, ...]

_SEEING: Final = "tests/e2e/test_observability.py::test_"

ODD_DATA: Final[dict[str, Tests]] = {
    "odd but legal data": (
        "tests/reliability/fuzz/test_odd_data.py",
        "tests/unit/receipt_sync/test_keys.py",
        "tests/unit/receipt_sync/test_attributes.py",
    ),
    "objects made to exhaust memory or to lead out of a folder": (
        "tests/reliability/fuzz/test_hostile_objects.py",
    ),
}
SECURITY: Final[dict[str, Tests]] = {
    "no secret and no receipt text in logs, errors, metrics, traces or packages": (
        "tests/security/test_contents.py",
        f"{_SEEING}no_receipt_text_is_in_traces_logs_or_metrics",
        f"{_SEEING}what_aws_refused_is_traced_without_the_words_of_the_refusal",
    ),
    "snapshots and deltas from outside the bucket's prefix": ("tests/security/test_outside.py",),
    "a pickle that others can write": ("tests/security/test_pickle.py",),
    "licences of all that is installed": ("tests/security/test_licences.py",),
}
EARLIER_SNAPSHOTS: Final[dict[str, Tests]] = {
    "a snapshot that an earlier Chroma wrote": ("tests/functional/chroma/test_versions.py",),
    "a snapshot of an earlier format": ("tests/functional/snapshot/test_format.py",),
}
EVERY_PYTHON: Final[Tests] = (
    "tests/unit",
    "tests/functional/chroma/test_index.py",
    "tests/functional/chroma/test_snapshot.py",
    *(test for tests in EARLIER_SNAPSHOTS.values() for test in tests),
)
"""The tests for each supported Python: the logic, and the code that loads Chroma's wheels."""
