"""Options from the command line to Locust and back."""

from pathlib import Path

import pytest
from locust.argument_parser import get_parser, ui_extra_args_dict

from loadtest import locustfile
from loadtest.errors import OptionError
from loadtest.options import HELP, SECONDS, Options, Shape

assert locustfile  # the import registers the options with Locust


def test_locust_gets_the_options_of_the_command(tmp_path: Path) -> None:
    receipts = tmp_path / "receipts.jsonl"
    receipts.write_text("")
    options = Options(
        rate=12.5, seconds=7, writers=4, load_shape=Shape.SPIKE, seed=9, receipts=str(receipts),
        base=5, lines=30, mix="line=3", burst=6, limit=20, aws_table="a table", out=str(tmp_path),
    )  # fmt: skip
    parser = get_parser()  # has the options from the locustfile
    assert Options.of(vars(parser.parse_args(options.arguments()))) == options
    assert Options.of(vars(parser.parse_args(Options().arguments()))) == Options()


def test_locusts_page_offers_what_can_change_between_two_runs() -> None:
    offered = ui_extra_args_dict([]).keys() & HELP.keys()
    assert offered == {"rate", "seconds", "writers", "load_shape", "mix", "burst", "limit"}


def test_every_option_says_what_it_is() -> None:
    assert HELP.keys() == Options.__dataclass_fields__.keys()


def test_a_run_takes_as_long_as_is_said_or_as_its_shape_does() -> None:
    assert Options(seconds=12).duration == 12
    for shape in Shape:
        assert Options(load_shape=shape).duration == SECONDS[shape]


@pytest.mark.parametrize(
    ("rate", "writers", "share", "half"),
    [(100, 0, 5.0, 10), (100, 50, 2.0, 25), (12, 0, 4.0, 1.5)],
)
def test_users_share_the_rate(rate: float, writers: int, share: float, half: int) -> None:
    options = Options(rate=rate, writers=writers)
    assert options.user_rate == pytest.approx(share)
    assert options.users_at(rate / 2) == pytest.approx(half, abs=0.5)
    assert options.users_at(0.0001) == 1


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"rate": 0}, "--rate"),
        ({"rate": float("nan")}, "--rate"),
        ({"base": 2}, "--base"),
        ({"burst": 1}, "--burst"),
        ({"limit": 0}, "--limit"),
        ({"seconds": -1}, "--seconds"),
        ({"mix": "nothing=1"}, "'nothing'"),
        ({"receipts": "/nowhere.jsonl"}, "/nowhere.jsonl"),
    ],
)
def test_senseless_options_are_refused_by_name(wrong: dict[str, float], name: str) -> None:
    with pytest.raises(OptionError, match=name):
        Options(**wrong)  # type: ignore[arg-type]
