"""The mix of kinds that users draw from."""

from collections import Counter
from random import Random

import pytest

from loadtest.errors import OptionError
from loadtest.kinds import WEIGHTS, Kind, Mix


def test_without_a_word_the_usual_weights_hold() -> None:
    assert Mix.parse("").weights == WEIGHTS


def test_named_weights_replace_the_usual_ones() -> None:
    mix = Mix.parse("merchant=20, delete=0")
    assert mix.weights == {**WEIGHTS, Kind.MERCHANT: 20.0, Kind.DELETE: 0.0}


def test_kinds_are_drawn_as_often_as_they_weigh_and_the_same_for_the_same_seed() -> None:
    mix = Mix.parse(",".join(f"{kind.name.lower()}=0" for kind in Kind) + ",line=3,word=1")
    drawn = [mix.draw(randomness) for randomness in [Random(7)] for _ in range(4_000)]
    assert Counter(drawn).keys() == {Kind.LINE, Kind.WORD}
    assert 2_850 < Counter(drawn)[Kind.LINE] < 3_150
    again = Random(7)
    assert drawn == [mix.draw(again) for _ in range(4_000)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("lines=3", "'lines'"),
        ("line=-1", "'line=-1'"),
        ("line=many", "'line=many'"),
        ("line", "'line'"),
        ("line=nan", "'line=nan'"),
    ],
)
def test_what_is_no_weight_is_refused_by_name(text: str, fault: str) -> None:
    with pytest.raises(OptionError, match=fault):
        Mix.parse(text)


def test_a_mix_without_any_change_is_refused() -> None:
    nothing = ",".join(f"{k.name.lower()}=0" for k in Kind if k is not Kind.IRRELEVANT)
    with pytest.raises(OptionError, match="draws no change"):
        Mix.parse(nothing)
