"""The quiz asks everyone the same, always offers the right answer, and marks what gives the same numbers as right."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlp import Verdict, check_gradients
from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import LOSS
from mlp.lab.experiment import Experiment
from mlp.lab.planted_bug import change, gradients
from mlp.lab.quiz import (
    LEVELS,
    MAX_NUMBER,
    NOTHING,
    Question,
    examples,
    hints,
    marks,
    posed,
    question,
    seen_on_the_maps,
)

NUMBERS = range(1, 61)
EXPERIMENT = Experiment()


def test_another_process_draws_the_same_questions():
    program = (
        "from mlp.lab.experiment import Experiment; from mlp.lab.quiz import question\n"
        "for n in range(1, 61): q = question(Experiment(), n); print(q.bug and q.bug.name, q.place, *q.patterns)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    drawn = [question(EXPERIMENT, number) for number in NUMBERS]
    assert run.stdout.splitlines() == [" ".join([q.bug.name if q.bug else "None", q.place, *q.patterns]) for q in drawn]


def test_questions_differ_and_nothing_is_sometimes_wrong():
    drawn = [question(EXPERIMENT, number) for number in NUMBERS]
    # Of 60 draws with chance 1/7, between 1 and 24 are right networks but for one case in 10,000; 36 bugs fit here.
    assert 1 <= sum(one.bug is None for one in drawn) <= 24
    assert len({one.bug.name for one in drawn if one.bug}) > 10
    assert len({one.place for one in drawn}) > 5


@pytest.mark.one_in(3)
@pytest.mark.parametrize("experiment", [EXPERIMENT, Experiment((2, 5)), Experiment((3, 4, 4, 2), "ReLU", batch=5)])
def test_the_right_answer_is_offered_and_can_be_seen(experiment):
    for number in NUMBERS[:20]:
        asked, problem = question(experiment, number), experiment.problem()
        assert len(asked.patterns) == len(set(asked.patterns)) == 6
        assert list(asked.patterns) == sorted(asked.patterns)  # the order gives nothing away
        assert NOTHING not in asked.patterns
        assert asked.layers == (*problem.network.layers, LOSS)
        report = check_gradients(*posed(asked, problem))
        assert (report.verdict is Verdict.WRONG) == (asked.bug is not None)
        if asked.bug:
            assert asked.bug.pattern in asked.patterns
            assert asked.place in asked.layers
            assert marks(asked, problem, asked.bug.pattern, asked.place).both


@pytest.fixture
def missing():
    """The question of a derivative left out of the second activation."""
    layers = (*EXPERIMENT.problem().network.layers, LOSS)
    return Question(GALLERY["derivative missing"], "activation_fn2", ("derivative missing", "zero gradient"), layers)


def test_pattern_and_layer_are_marked_each_by_itself(missing):
    problem = EXPERIMENT.problem()
    assert marks(missing, problem, "derivative missing", "activation_fn2") == (True, True)
    assert marks(missing, problem, "derivative missing", "activation_fn1") == (True, False)
    assert marks(missing, problem, "zero gradient", "activation_fn2") == (False, True)
    assert marks(missing, problem, NOTHING, "") == (False, False)


def test_where_nothing_is_wrong_only_that_is_right(missing):
    problem = EXPERIMENT.problem()
    nothing = missing._replace(bug=None, place="")
    assert marks(nothing, problem, NOTHING, "").both
    assert marks(nothing, problem, "derivative missing", "activation_fn2") == (False, False)


def test_an_answer_that_gives_the_same_numbers_is_right():
    # With the same sample twice, the last sample alone gives half of dW, as a mean over the two does.
    problem = Experiment((2, 3, 2), batch=2).problem()
    twins = problem._replace(x=np.repeat(problem.x[:1], 2, axis=0), target=np.repeat(problem.target[:1], 2, axis=0))
    asked = Question(GALLERY["weights averaged"], "fc2", (), ())
    assert marks(asked, problem, "one sample only", "fc2") == (False, True)
    assert marks(asked, twins, "one sample only", "fc2") == (True, True)
    assert marks(asked, twins, "one sample only", "fc1") == (False, False)


def test_where_a_bug_is_hidden_nothing_is_wrong_in_both_whatever_the_layer(missing):
    assert marks(missing, EXPERIMENT.problem(), NOTHING, "") == (False, False)
    assert marks(missing, EXPERIMENT.problem(), NOTHING, missing.place) == (False, False)


def test_nothing_is_wrong_as_often_as_each_of_the_seven_answers_would_be_right():
    # Six patterns, and NOTHING; each number seeds its own draw.
    for number in range(60):
        is_right = np.random.RandomState(number).randint(7) == 0
        assert (question(Experiment(sizes=(2, 2)), number).bug is None) == is_right


def test_a_change_of_one_per_cent_is_asked_for():
    assert any(
        asked.bug and asked.bug.name == "one entry one per cent off"
        for asked in (question(Experiment(sizes=(3, 4, 2)), number) for number in range(60))
    )


def test_no_colour_has_to_show_what_is_smaller_than_a_thousandth():
    # One per cent of an entry that is small itself is a bug that the maps cannot show; another one is drawn then.
    right = gradients(EXPERIMENT.problem())
    asked = [question(EXPERIMENT, number) for number in NUMBERS]
    changes = [change(gradients(posed(one, EXPERIMENT.problem())), right) for one in asked if one.bug]
    assert min(changes) > 1e-3


def test_an_answer_whose_gradients_differ_by_a_hundredth_is_another_one():
    # A single entry off by one per cent, and the same entry zeroed: of one pattern, in one layer, and not the same.
    problem = Experiment(sizes=(3, 4, 2)).problem()
    shown = Question(GALLERY["one entry one per cent off"], "fc1", (), ())
    assert marks(shown, problem, GALLERY["one entry one per cent off"].pattern, "fc2") == (True, False)


def test_questions_are_numbered_up_to_9999():
    assert MAX_NUMBER == 9_999
    assert question(Experiment(sizes=(3, 4, 2)), MAX_NUMBER) == question(Experiment(sizes=(3, 4, 2)), MAX_NUMBER)


@pytest.mark.parametrize("number", range(1, 21))
def test_a_level_is_the_same_bug_with_fewer_or_more_answers(number):
    easy, medium, hard = (question(EXPERIMENT, number, level) for level in LEVELS)
    assert easy.bug == medium.bug == hard.bug
    assert easy.place == medium.place == hard.place
    assert set(easy.patterns) < set(medium.patterns) < set(hard.patterns)
    assert len(easy.patterns) == 3
    if easy.bug:
        assert easy.bug.pattern in easy.patterns


def test_the_names_of_a_pattern_are_the_gallerys():
    assert examples("one sample only") == "bias of the first sample, last sample wins"
    assert examples(NOTHING) == ""
    assert all(bug.name in examples(bug.pattern) for bug in GALLERY.values())


@pytest.mark.one_in(3)
@pytest.mark.parametrize("number", range(1, 21))
def test_hints_say_what_is_wrong_and_what_kind_of_thing_has_the_bug(number):
    asked, problem = question(EXPERIMENT, number), EXPERIMENT.problem()
    report = check_gradients(*posed(asked, problem))
    first, second = hints(asked, report)
    wrong, right = first.removeprefix("Wrong: ").removesuffix(".").split(". Not wrong: ")
    named = {name: verdict for names, verdict in ((wrong, True), (right, False)) for name in names.split(", ")}
    named.pop("none", None)
    assert named == {name: check.verdict is Verdict.WRONG for name, check in report.items()}
    kinds = {"fc": "linear layers", "ac": "activations", "lo": "losses"}
    assert second == (f"The bug is one of those of {kinds[asked.place[:2]]}." if asked.bug else "No layer has a bug.")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("number", [n for n in range(1, 21) if question(EXPERIMENT, n).bug])
def test_afterwards_the_tensor_that_shows_it_is_named(number):
    asked, problem = question(EXPERIMENT, number), EXPERIMENT.problem()
    report = check_gradients(*posed(asked, problem))
    tensor, sentence = seen_on_the_maps(asked, report)
    assert report[tensor].verdict is Verdict.WRONG
    assert f"maps of {tensor}, the first wrong tensor" in sentence
    order = [*reversed(list(report)[:-1]), "x"]
    before = [name for name in order[: order.index(tensor)] if name.endswith(".W")]
    assert all(report[name].verdict is not Verdict.WRONG for name in before)
    for name, check in report.items():
        if check.verdict is not Verdict.WRONG:
            assert name in sentence
