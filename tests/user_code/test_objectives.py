"""The losses that may stand inside a training step are those that their words say."""

import numpy as np
import pytest

from mlp.user_code.interpret.whole import OBJECTIVES, RETURNED

RNG = np.random.RandomState(0)
Y, T = RNG.uniform(0.1, 0.9, (4, 3)), RNG.uniform(0.1, 0.9, (4, 3))
SQUARES = ((Y - T) ** 2).sum()
BINARY = -(T * np.log(Y) + (1 - T) * np.log(1 - Y)).sum()
CROSS = -(T * np.log(Y)).sum()
EXPECTED = {
    "half the sum of squared errors": SQUARES / 2,
    "the binary cross entropy, summed": BINARY,
    "the cross entropy, summed": CROSS,
    "the sum of squared errors": SQUARES,
    "the mean squared error": SQUARES / 12,
    "half the mean squared error": SQUARES / 24,
    **{
        f"{words}, over the {over}": value / size
        for over, size in (("rows", 4), ("columns", 3))
        for words, value in (
            ("half the sum of squared errors", SQUARES / 2),
            ("the binary cross entropy", BINARY),
            ("the cross entropy", CROSS),
            ("the sum of squared errors", SQUARES),
        )
    },
}


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: one.words)
def test_a_loss_is_what_its_words_say(objective):
    assert objective.value(Y, T) == pytest.approx(EXPECTED[objective.words], rel=1e-12)


def test_every_loss_has_its_words_and_what_is_returned_is_taken_as_it_is():
    assert [one.words for one in OBJECTIVES] == list(EXPECTED)
    assert RETURNED.value(3.5, None) == 3.5
