"""Candidates take turns, and their times and bytes are counted separately."""

from benchmarks.meters.measuring import alternate
from benchmarks.meters.traffic import Call, Traffic


class Recorder:
    def __init__(self, name: str, log: list[tuple[str, str, int]], traffic: Traffic) -> None:
        self._name, self._log, self._traffic = name, log, traffic

    def prepare(self, number: int) -> None:
        self._log.append(("prepare", self._name, number))

    def run(self) -> None:
        self._log.append(("run", self._name, 0))
        self._traffic.sent[Call("s3", "PutObject")] += 10 if self._name == "ours" else 1_000


def test_candidates_alternate_and_each_round_is_begun_by_another() -> None:
    log: list[tuple[str, str, int]] = []
    traffic = Traffic()
    names = ("ours", "limit", "naive")
    alternate({name: Recorder(name, log, traffic) for name in names}, 2, traffic)
    runs = [name for what, name, _ in log if what == "run"]
    assert runs == [*names, "limit", "naive", "ours", "naive", "ours", "limit"]


def test_the_first_round_is_not_counted_and_bytes_are_those_of_the_candidate() -> None:
    traffic = Traffic()
    found = alternate({name: Recorder(name, [], traffic) for name in ("ours", "naive")}, 3, traffic)
    assert len(found["ours"].samples) == 3
    assert (found["ours"].moved, found["naive"].moved) == (10, 1_000)
