"""Settings as text, in the sidebar and the address: what is written can be read, all else is refused in a sentence."""

import json
import re
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlp.lab.experiment import Experiment
from mlp.lab.settings_text import (
    EPS_STEPS,
    RATE_STEPS,
    READERS,
    ROWS,
    UPLOAD,
    format_eps,
    format_index,
    format_setting,
    format_sizes,
    parse_sizes,
    read_eps,
    read_index,
    read_rate,
    read_whole,
    shortened,
)
from tests.comparing import is_sentence

SIZES = st.lists(st.integers(0, 999_999_999), min_size=2).map(tuple)
# What people type where sizes or numbers are asked for: nearly right, and anything at all.
TYPED = st.text(alphabet="0123456789-+.e _,x²٣", max_size=12) | st.text()


@given(SIZES)
def test_sizes_survive_writing_and_reading(sizes):
    assert parse_sizes(format_sizes(sizes)) == sizes
    assert parse_sizes(f"  {format_sizes(sizes)}\n") == sizes


@given(TYPED)
@example("2-10-20-5")
@example("2")
@example("2-")
@example("-2-3")
@example("2--3")
@example("2 - 3")
@example("2-3.5")
@example("²-³")
@example("٣-٣")
@example("9" * 10 + "-2")
@example("9" * 5000 + "-2")
def test_any_text_is_sizes_or_refused_in_a_sentence(text):
    plain = re.fullmatch(r"\s*[0-9]{1,9}(-[0-9]{1,9})+\s*", text)
    if plain:
        assert parse_sizes(text) == tuple(int(part) for part in text.split("-"))
    else:
        with pytest.raises(ValueError, match=r"^(Layer sizes are|No layer can have) ") as refusal:
            parse_sizes(text)
        assert is_sentence(str(refusal.value))


def test_what_is_wrong_with_sizes_is_quoted():
    with pytest.raises(ValueError, match=r"at least inputs and outputs, such as 2-10-20-5; this is '2x3'\.$"):
        parse_sizes("2x3")
    with pytest.raises(ValueError, match=r"^No layer can have as many units as '1234567890'\.$"):
        parse_sizes("2-1234567890")


def test_up_to_forty_characters_are_quoted_whole_and_longer_text_with_its_length():
    assert shortened("a" * 38) == "'" + "a" * 38 + "'"
    assert shortened("a" * 39) == "'" + "a" * 29 + "... (39 characters)"
    assert shortened("a" * 2000).endswith("... (2,000 characters)")


def test_eps_steps_are_1_2_and_5_in_every_decade_from_1e_minus_12_to_one_half():
    assert [f"{eps:.0e}" for eps in EPS_STEPS] == [f"{d}e-{p:02}" for p in range(12, 0, -1) for d in (1, 2, 5)]
    assert EPS_STEPS[0] == 1e-12
    assert EPS_STEPS[-1] == 0.5
    assert Experiment().eps in EPS_STEPS


@pytest.mark.parametrize(
    ("eps", "text"),
    [(0.5, "0.5"), (0.05, "0.05"), (0.01, "0.01"), (5e-3, "5e-3"), (1e-4, "1e-4"), (2e-12, "2e-12"), (1.0, "1")],
)
def test_eps_is_written_briefly(eps, text):
    assert format_eps(eps) == text


@given(st.integers(1, 999_999), st.integers(-30, -6))
def test_eps_of_six_digits_survives_writing_and_reading(digits, power):
    eps = float(f"{digits}e{power}")
    assert float(format_eps(eps)) == eps


@pytest.mark.parametrize("eps", EPS_STEPS)
def test_every_eps_step_survives_writing_and_reading(eps):
    assert read_eps(format_eps(eps)) == eps
    assert read_eps(repr(eps)) == eps


def as_float(text):
    try:
        return float(text)
    except ValueError:
        return None


@given(TYPED)
@example("1e-4")
@example(" 0.0001 ")
@example("banana")
@example("")
@example("0")
@example("-1e-4")
@example("3e-4")
@example("nan")
@example("inf")
@example("1e-400")
def test_any_text_is_one_of_the_eps_steps_or_refused_in_a_sentence(text):
    if as_float(text) in EPS_STEPS:
        assert read_eps(text) == as_float(text)
    else:
        with pytest.raises(ValueError, match=r"^eps must be .* from 1e-12 to 0\.5, not ") as refusal:
            read_eps(text)
        assert is_sentence(str(refusal.value))


@pytest.mark.parametrize("rate", RATE_STEPS)
def test_learning_rates_survive_writing_and_reading(rate):
    assert read_rate(format_eps(rate)) == rate


def test_what_is_no_learning_rate_is_named_as_one():
    assert (RATE_STEPS[0], RATE_STEPS[-1], len(RATE_STEPS)) == (1e-5, 5.0, 18)
    with pytest.raises(ValueError, match=r"^rate must be .* from 1e-5 to 5, not '3'\.$"):
        read_rate("3")


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_whole_numbers_survive_writing_and_reading(number):
    assert read_whole(f" {number} ") == number


@given(TYPED)
@example("1.0")
@example("1e3")
@example("1_000")
@example("٣")
@example("9" * 19)
@example("9" * 5000)
def test_any_text_is_a_whole_number_or_refused_in_a_sentence(text):
    if re.fullmatch(r"\s*-?[0-9]{1,18}\s*", text):
        assert read_whole(text) == int(text)
    else:
        with pytest.raises(ValueError, match=r"^This must be a whole number, not ") as refusal:
            read_whole(text)
        assert is_sentence(str(refusal.value))


def test_what_is_no_whole_number_is_quoted():
    with pytest.raises(ValueError, match=r"^This must be a whole number, not '1\.5'\.$"):
        read_whole("1.5")


def test_every_setting_can_be_read_from_the_text_that_is_written():
    experiment = Experiment((4, 4, 3), "SiLU", "HuberLoss", "He", 12, 5, 2e-7, "five-point", "Iris")
    text = {name: format_setting(value) for name, value in experiment.settings().items()}
    assert set(READERS) == set(text) == {field.name for field in fields(Experiment)}
    assert Experiment(**{name: READERS[name](value) for name, value in text.items()}) == experiment


def test_settings_survive_json():
    experiment = Experiment((4, 4, 3), "SiLU", "HuberLoss", "He", 12, 5, 2e-7, "five-point", "Iris")
    settings = json.loads(json.dumps(experiment.settings()))
    assert settings["sizes"] == "4-4-3"
    assert Experiment.from_settings(settings) == experiment
    with pytest.raises(ValueError, match=r"^Layer sizes are whole numbers"):
        Experiment.from_settings(settings | {"sizes": "three"})
    with pytest.raises(ValueError, match=r"^batch must be"):
        Experiment.from_settings(settings | {"batch": 0})


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_an_index_is_read_as_it_is_written(shape):
    for index in np.ndindex(shape):
        assert read_index(format_index(index), shape) == index
    assert read_index(" 1 " + ", 2" * (len(shape) - 1), shape) == (1, *(2,) * (len(shape) - 1))


@pytest.mark.parametrize(
    "text", ["", "1", "2,0", "0,3", "-1,0", "1,2,3", "a,b", "1.5,0", "\u0661,\u0662", "9" * 30 + ",1"]
)
def test_what_is_no_index_of_the_array_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match=r"^(Entries here go from 0,0 to 1,2; .* is none|An entry is given by)"):
        read_index(text, (2, 3))


@pytest.mark.parametrize("text", [UPLOAD, f"{ROWS}classes: 1>0"])
def test_a_file_of_one_s_own_is_in_no_address(text):
    with pytest.raises(ValueError, match=r"^A file of your own is in no address: bring it on the page Training\.$"):
        READERS["data"](text)
    assert READERS["data"]("moons") == "moons"
