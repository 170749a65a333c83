"""Training runs in tables and sentences: where they stand, what the last step did, and what the bug cost."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mlp.check.gallery import GALLERY
from mlp.lab.training_run import Inspection, Run
from mlp.report.numbers import brief

# A run with a bug trains as well as the right one if its loss is at most so many times the right one's, and almost as
# well up to the second factor: what a curve on a logarithmic axis hardly shows, and another seed can bring about.
AS_WELL, ALMOST = 1.1, 2.0
# Or if as many of the test rows are right but for this part of them, and of the right run at least so many: before that
# both may still be guessing.
SAME_ACCURACY, LEARNED = 0.02, 0.9
WELL, NEARLY, BADLY, ENDED = "as well", "almost as well", "worse", "not to the end"

Standing = Mapping[str, float]
"""Where a run stands: a row of its history."""


def named(runs: Sequence[Run]) -> dict[str, Run]:
    """The runs by what they are called: the right one, then the one with a bug."""
    return {run.training.bug or "right gradient": run for run in runs}


def standing(runs: Sequence[Run]) -> pd.DataFrame:
    """One row for each run: its step, losses and, of classes, the parts of the rows that are classified right."""
    rows = []
    for name, run in named(runs).items():
        now = run.measured()
        shown = {f"training {key}": now.get(key) for key in ("loss", "accuracy")} | {
            key: now.get(key) for key in ("test loss", "test accuracy")
        }
        cells = {
            key: _share(value) if "accuracy" in key else value for key, value in shown.items() if value is not None
        }
        rows.append({"gradient": name, "step": run.step} | cells)
    return pd.DataFrame(rows)


def inspected(inspections: Mapping[str, Inspection]) -> pd.DataFrame:
    """One row for each run's last step: the loss before and after it, and what the gradient promised.

    Args:
        inspections: by what the run is called.
    """
    return pd.DataFrame(
        {
            "gradient": name,
            "step": step.step,
            "loss before": step.loss,
            "|gradient|": step.gradient_norm,
            "|update|": step.update_norm,
            "first-order prediction": step.predicted,
            "loss after": step.loss_after,
        }
        for name, step in inspections.items()
    )


def bug_told(wrong: Run) -> str:
    """The bug in a line, as Markdown: where it is, and the wrong line of code for the right one."""
    bug = GALLERY[wrong.training.bug]
    return f"**{bug.name}** in {', '.join(wrong.places)}: `{bug.wrong}` for `{bug.right}`."


def compared(right: Run, wrong: Run) -> str:
    """What the bug costs, in sentences with the numbers, as Markdown; before the first step, what there is to see."""
    now, other, bug = right.measured(), wrong.measured(), f"**{wrong.training.bug}**"
    if not right.step:
        return (
            f"Two networks start with the same weights. One follows the right gradient, the other has {bug} in its "
            "backward pass. **Press Train**, and see what a wrong gradient costs."
        )
    loss = f"the loss is {brief(now['loss'])} with the right gradient"
    if wrong.ended:
        return f"With {bug}: {wrong.ended} After {counted_steps(right)} {loss}."
    told = f"After {counted_steps(right)} {loss} and {brief(other['loss'])} with {bug}"
    key = _accuracy(now)
    if key in now:
        rows = "test rows" if key == "test accuracy" else "rows"
        told += f"; {_share(now[key])} and {_share(other[key])} of the {rows} are right"
    if how_well(now, other) in (WELL, NEARLY):
        if not right.is_over:
            return f"{told}. So far the bug trains {how_well(now, other)}: the curves do not give it away."
        return f"{told}. This bug trains {how_well(now, other)}: no curve gives it away, and that is why one checks."
    return f"{told}. Rate, network or data could be to blame as well: only a check tells."


def how_well(right: Standing, wrong: Standing) -> str:
    """How a run with a bug trains beside the right one: WELL, NEARLY or BADLY."""
    key = _accuracy(right)
    if wrong["loss"] <= AS_WELL * right["loss"]:
        return WELL
    classifies = right.get(key, 0.0) >= LEARNED and wrong[key] >= right[key] - SAME_ACCURACY
    return NEARLY if classifies or wrong["loss"] <= ALMOST * right["loss"] else BADLY


def league(right: Standing, others: Mapping[str, tuple[Standing, str]]) -> pd.DataFrame:
    """One row for each bug, those that train best first: where its run stands, and how well that is.

    Args:
        right: where the right run stands.
        others: by bug, where its run stands and, if it ended before, a sentence that says why.
    """
    ordered = sorted(others.items(), key=lambda item: (bool(item[1][1]), item[1][0]["loss"]))
    return pd.DataFrame(
        {
            "bug": name,
            "trains": ENDED if ended else how_well(right, now),
            "step": int(now["step"]),
            "training loss": now["loss"],
        }
        | {key: _share(now[key]) for key in ("accuracy", "test accuracy") if key in now}
        for name, (now, ended) in ordered
    )


def league_told(right: Standing, others: Mapping[str, tuple[Standing, str]], is_over: bool = True) -> str:
    """The league in a sentence: how many bugs no loss curve gives away, at the end of the run or so far."""
    hidden = sum(not ended and how_well(right, now) != BADLY for now, ended in others.values())
    bugs = "the only bug that fits" if len(others) == 1 else f"the {len(others)} bugs that fit"
    trains, them = ("trains", "it") if hidden == 1 else ("train", "them")
    told = f"Of {bugs} this network, {hidden} {trains} as well as the right gradient, or almost"
    if not is_over:
        return f"So far: {told[0].lower()}{told[1:]}."
    return f"{told}: no curve gives {them} away, and that is why one checks." if hidden else f"{told}."


def _accuracy(now: Standing) -> str:
    """The name of the accuracy that counts: that of the test rows, if there are any."""
    return "test accuracy" if "test accuracy" in now else "accuracy"


def counted_steps(run: Run) -> str:
    """How many steps a run has taken, in words."""
    return "1 step" if run.step == 1 else f"{run.step:,} steps"


def _share(part: float) -> str:
    return f"{100 * part:.1f}\u00a0%"
