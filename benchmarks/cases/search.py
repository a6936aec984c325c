"""Benchmark 8: searches of a published collection, compared with the truth.

The records are lines and words of receipts, of which many are equal, with the vectors of the
project's stand-in for a model. Ours: a reader of the published snapshot. Default: Chroma's own
search on the same files, with the settings that the collection is made with. Exact: numpy compares
all vectors, and Chroma reads the records.

Queries are vectors of records ("own"), and vectors of texts that no record has ("unseen"). With a
filter, only the records of the merchant with the most records count.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Final

import numpy as np

from benchmarks.meters.searched import (
    MERCHANT,
    NEIGHBOURS,
    Searched,
    build,
    searched_of,
    unseen_vectors,
)
from benchmarks.paths import scratch_folder
from benchmarks.reporting.report import Cell, Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale
from receipt_index.chroma import ChromaIndex
from receipt_index.deltas import Vectors
from receipt_index.records import Match
from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_ops.loading.receipts import Receipt, read_receipts
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_sync.keys import Collection
from receipt_sync.sequences import batches

_SEED: Final = 15
_RECORDS_A_CALL: Final = 1_000
_WARM_UP: Final = 5

Find = Callable[[Vectors, str | None], Sequence[str]]
"""Returns the ids of the ten records nearest to a vector, of one merchant or of all."""


@dataclass(frozen=True)
class Asked:
    """Queries of one kind, and the merchant of the filter."""

    name: str
    queries: Vectors
    merchant: str | None = None


@dataclass(frozen=True)
class Answered:
    """The quality and the seconds of one candidate's answers to queries of one kind."""

    recall: float
    missed: int
    seconds: Sequence[float]

    @property
    def p50(self) -> float:
        """The median, in ms."""
        return 1_000 * median(self.seconds)

    @property
    def p95(self) -> float:
        """The 95th percentile, in ms."""
        return 1_000 * float(np.percentile(self.seconds, 95))


@dataclass(frozen=True)
class Built:
    """The build of one collection: seconds with our files and without, and the sizes in bytes."""

    records: int
    distinct: int
    seconds: float
    plain_seconds: float
    chroma_bytes: int
    exact_bytes: int


def run(scale: Scale, bars: Bars) -> Report:
    """Search lines and words, with and without a filter."""
    receipts = _receipts(scale)
    answered: dict[Collection, dict[str, dict[str, Answered]]] = {}
    builds: dict[Collection, Built] = {}
    for collection in Collection:
        searched = searched_of(receipts, collection)
        with scratch_folder() as folder:
            builds[collection], answered[collection] = _measure(searched, folder, scale, bars)
    return _report(answered, builds)


def _receipts(scale: Scale) -> list[Receipt]:
    if scale.receipts is not None:
        return list(read_receipts(Path(scale.receipts)))
    return list(synthetic_receipts(scale.search_receipts, Random(_SEED)))


def _measure(
    searched: Searched, folder: Path, scale: Scale, bars: Bars
) -> tuple[Built, dict[str, dict[str, Answered]]]:
    name = searched.collection.value
    with bars.bar(f"{len(searched.records):,} of {name}", 2 * len(searched.records)) as advance:
        store, seconds = build(searched, folder, advance)
        plain_seconds = _build_plain(searched, folder / "plain", advance)
    plain = Mirror(store, searched.collection, folder / "default")
    plain.refresh()
    manifest = plain.manifest
    if manifest is None:
        raise AssertionError("the collection was published a moment ago")
    default = ChromaIndex(plain.folder, searched.collection)
    with SnapshotReader(store, searched.collection, folder / "ours") as reader:
        reader.refresh()
        candidates: Mapping[str, Find] = {
            "ours": lambda vector, merchant: _ids(
                reader.search(vector, NEIGHBOURS, _where(merchant))
            ),
            "default": lambda vector, merchant: _ids(
                default.search(vector, NEIGHBOURS, _where(merchant))
            ),
            "exact": lambda vector, merchant: _exact(searched, default, vector, merchant),
        }
        found = _answer_all(searched, candidates, scale.search_queries, bars)
    default.close()
    return _built(searched, manifest, seconds, plain_seconds), found


def _answer_all(
    searched: Searched, candidates: Mapping[str, Find], count: int, bars: Bars
) -> dict[str, dict[str, Answered]]:
    own, unseen = searched.distinct_vectors(count), unseen_vectors(searched, count)
    merchant = searched.largest_merchant
    kinds = (
        Asked("own", own),
        Asked("unseen", unseen),
        Asked("own, one merchant", own[: count // 4], merchant),
    )
    total = sum(len(asked.queries) for asked in kinds)
    with bars.bar(f"searches of {searched.collection}", total) as advance:
        return {asked.name: _answer(searched, candidates, asked, advance) for asked in kinds}


def _answer(
    searched: Searched,
    candidates: Mapping[str, Find],
    asked: Asked,
    advance: Callable[[int], None],
) -> dict[str, Answered]:
    """Ask all candidates the same queries in turn, so that other work affects them alike."""
    for find, query in ((f, q) for f in candidates.values() for q in asked.queries[:_WARM_UP]):
        find(query, asked.merchant)
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    answers: dict[str, list[Sequence[str]]] = {name: [] for name in candidates}
    names = list(candidates)
    for number, query in enumerate(asked.queries):
        shift = number % len(names)
        for name in chain(names[shift:], names[:shift]):
            begun = time.perf_counter()
            answer = candidates[name](query, asked.merchant)
            seconds[name].append(time.perf_counter() - begun)
            answers[name].append(answer)
        advance(1)
    return {name: _judged(searched, asked, answers[name], seconds[name]) for name in candidates}


def _judged(
    searched: Searched, asked: Asked, answers: Sequence[Sequence[str]], seconds: Sequence[float]
) -> Answered:
    pairs = list(zip(asked.queries, answers, strict=True))
    recall = fmean(searched.recall(query, answer, asked.merchant) for query, answer in pairs)
    is_own = asked.name == "own"
    missed = sum(searched.is_missed(query, answer) for query, answer in pairs) if is_own else 0
    return Answered(recall, missed, seconds)


def _where(merchant: str | None) -> dict[str, str] | None:
    return None if merchant is None else {MERCHANT: merchant}


def _ids(matches: Sequence[Match]) -> list[str]:
    return [match.record.id for match in matches]


def _exact(
    searched: Searched, index: ChromaIndex, vector: Vectors, merchant: str | None
) -> Sequence[str]:
    """Return the nearest records by numpy, and read them, as the other candidates do."""
    rows = np.arange(len(searched.records))
    if merchant is not None:
        rows = np.flatnonzero(searched.merchants == merchant)
    distances = 1 - searched.vectors[rows] @ vector
    nearest = np.argpartition(distances, min(NEIGHBOURS, len(rows)) - 1)[:NEIGHBOURS]
    ids = [searched.records[rows[one]].id for one in nearest]
    index.get(ids)
    return ids


def _build_plain(searched: Searched, folder: Path, advance: Callable[[int], None]) -> float:
    """Insert the records into a collection of Chroma alone. Return the seconds."""
    begun = time.perf_counter()
    index = ChromaIndex(folder, searched.collection)
    for some in batches(searched.records, _RECORDS_A_CALL):
        index.insert(some)
        advance(len(some))
    seconds = time.perf_counter() - begun
    index.close()
    return seconds


def _built(searched: Searched, manifest: Manifest, seconds: float, plain_seconds: float) -> Built:
    exact = sum(size for name, size in manifest.files.items() if name.startswith("exact/"))
    return Built(
        records=len(searched.records),
        distinct=len(np.unique(searched.vectors, axis=0)),
        seconds=seconds,
        plain_seconds=plain_seconds,
        chroma_bytes=sum(manifest.files.values()) - exact,
        exact_bytes=exact,
    )


def _report(
    answered: Mapping[Collection, Mapping[str, Mapping[str, Answered]]],
    builds: Mapping[Collection, Built],
) -> Report:
    figures: dict[str, float] = {}
    for collection, kinds in answered.items():
        name = collection.value
        own = kinds["own"]
        figures[f"{name} least recall"] = min(by["ours"].recall for by in kinds.values())
        figures[f"{name} missed"] = own["ours"].missed
        figures[f"{name} p50 to the default"] = own["ours"].p50 / own["default"].p50
    return Report(
        tables=[
            *(_search_table(one, kinds, builds[one]) for one, kinds in answered.items()),
            _build_table(builds),
        ],
        figures=figures,
        notes=[
            "Recall compares with numpy over all vectors. Records that are as near as the tenth "
            "are equally right. Missed: a search for the vector of a record finds none with it.",
            "Each time contains the read of ten records. Exact by numpy needs all vectors in "
            "memory.",
        ],
        details={
            one.value: {
                kind: {name: list(answer.seconds) for name, answer in by.items()}
                for kind, by in kinds.items()
            }
            for one, kinds in answered.items()
        },
    )


def _search_table(
    collection: Collection, kinds: Mapping[str, Mapping[str, Answered]], built: Built
) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (f"{kind}: {name}", len(one.seconds), one.recall, one.missed, one.p50, one.p95)
        for kind, by in kinds.items()
        for name, one in by.items()
    ]
    return Table(
        f"{collection}: {built.records:,} records, {built.distinct:,} distinct vectors",
        ("queries: candidate", "queries", f"recall@{NEIGHBOURS}", "missed", "p50, ms", "p95, ms"),
        rows,
    )


def _build_table(builds: Mapping[Collection, Built]) -> Table:
    return Table(
        "Build and publish",
        ("collection", "records a second", "Chroma alone", "Chroma, MB", "exact search, MB"),
        [
            (
                one.value,
                built.records / built.seconds,
                built.records / built.plain_seconds,
                built.chroma_bytes / 1e6,
                built.exact_bytes / 1e6,
            )
            for one, built in builds.items()
        ],
    )
