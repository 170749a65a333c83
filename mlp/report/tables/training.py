"""Training runs in tables and sentences: where they stand, what the last step did, and what the bug cost."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mlp.check.gallery import GALLERY
from mlp.lab.training_run import Inspection, Run
from mlp.report.numbers import brief

# A run with a bug trains as well as the right one if its loss is at most so many times the right one's, and almost as
# well up to the second factor: what a curve on a logarithmic axis hardly shows, and another seed can bring about.
AS_WELL, ALMOST = 1.1, 2.0
# Or if it classifies so much of the test rows right as the right one does.
SAME_ACCURACY = 0.02
WHY = "no curve gives it away, and that is why one checks"


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
            f"Two networks start with the same weights. One goes with the right gradient, the other with {bug} in its "
            "backward pass. **Press Train**, and see what a wrong gradient costs."
        )
    loss = f"the loss is {brief(now['loss'])} with the right gradient"
    if wrong.ended:
        return f"With {bug}: {wrong.ended} After {counted_steps(right)} {loss}."
    told = f"After {counted_steps(right)} {loss} and {brief(other['loss'])} with {bug}"
    key = "test accuracy" if "test accuracy" in now else "accuracy"
    if key in now:
        rows = "test rows" if key == "test accuracy" else "rows"
        told += f"; {_share(now[key])} and {_share(other[key])} of the {rows} are right"
    if other["loss"] <= AS_WELL * now["loss"]:
        return f"{told}. This bug trains as well: {WHY}."
    if other["loss"] <= ALMOST * now["loss"] or (key in now and other[key] >= now[key] - SAME_ACCURACY):
        return f"{told}. This bug trains almost as well: {WHY}."
    return f"{told}. Rate, network or data could be to blame as well: only a check tells."


def counted_steps(run: Run) -> str:
    """How many steps a run has taken, in words."""
    return "1 step" if run.step == 1 else f"{run.step:,} steps"


def _share(part: float) -> str:
    return f"{100 * part:.1f}\u00a0%"
