"""The receipts of a run: the base that exists before it, and the arrivals that users add."""

from collections.abc import Iterator
from itertools import chain, count, cycle, islice
from pathlib import Path
from random import Random

from loadtest.errors import OptionError
from loadtest.options import Options
from receipt_ops.loading.receipts import Receipt, read_receipts
from receipt_ops.loading.synthetic import synthetic_receipts


def base_receipts(options: Options) -> list[Receipt]:
    """Return the receipts of the start. The same options give the same receipts.

    Raises:
        OptionError: The file has fewer than three receipts with lines.
        MalformedReceiptError: The file has a line that is no receipt.
    """
    if not options.receipts:
        return [*islice(_made_up(options, f"base {options.seed}"), options.base)]
    usable = (receipt for receipt in read_receipts(Path(options.receipts)) if receipt.lines)
    found = list(islice(usable, options.base))
    if len(found) < 3:
        raise OptionError(
            f"{options.receipts} has {len(found)} receipts with lines: a run needs at least three"
        )
    return found


def arrivals(options: Options, run: str) -> Iterator[Receipt]:
    """Yield receipts without end, drawn from the seed. Their names contain `run`, a unique id."""
    if options.receipts:
        known = [r for r in read_receipts(Path(options.receipts)) if r.lines]
        later: Iterator[Receipt] = cycle(known[options.base :] or known)
    else:
        later = _made_up(options, f"arrivals {options.seed}")
    for number, receipt in zip(count(1), later, strict=False):
        yield receipt.model_copy(update={"receipt": f"load-{run}-{number:06d}"})


def _made_up(options: Options, seed: str) -> Iterator[Receipt]:
    randomness = Random(seed)
    receipts = chain.from_iterable(synthetic_receipts(100, randomness) for _ in count())
    return (_sized(receipt, options.lines) for receipt in receipts)


def _sized(receipt: Receipt, lines: int) -> Receipt:
    """Repeat or cut the lines of a receipt to a number of lines. 0 changes nothing."""
    if not lines:
        return receipt
    return receipt.model_copy(update={"lines": tuple(islice(cycle(receipt.lines), lines))})
