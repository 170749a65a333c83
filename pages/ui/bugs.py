"""What the pages about bugs share: the cached check of a planted bug, and how a bug and its diagnosis are shown."""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from mlp.check.check import check_gradients
from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import Bug, places
from mlp.check.report import GradientReport
from mlp.check.verdict import Verdict
from mlp.lab.experiment import Experiment
from mlp.lab.planted_bug import (
    FittingExperiment,
    change,
    clearest_tensor,
    fitting_experiment,
    gradients,
    planted,
    within_reach,
)
from pages.ui import address, compute

# What breaks a network on its first page: the slip that is made most, and one that no network is without a place for.
PLAIN = ("derivative missing", "minus in the gradient")


class Shown(NamedTuple):
    """A network with a bug in it, checked.

    Shared between all visitors who ask for the same: read only.

    Attributes:
        report: the check.
        sentences: what it says, the first fault first.
        telling: the tensor that shows the bug best.
        changes_values: whether any gradient differs from what the right backward gives.
    """

    report: GradientReport
    sentences: tuple[str, ...]
    telling: str
    changes_values: bool


@st.cache_resource(max_entries=64, hash_funcs=compute.BY_REPR)
def placed(name: str, experiment: Experiment) -> FittingExperiment:
    """The experiment in which the bug of this name fits, and where."""
    return fitting_experiment(GALLERY[name], experiment)


@st.cache_resource(
    max_entries=64, show_spinner="Checking every gradient and looking for the bug ...", hash_funcs=compute.BY_REPR
)
def diagnosed(name: str, experiment: Experiment, place: str) -> Shown:
    """Plant the bug, check the gradients and make the diagnosis, as if nobody knew what was planted."""
    right = experiment.problem()
    wrong = planted(GALLERY[name], right, place)
    report = check_gradients(*wrong, experiment.eps, experiment.method)
    changed = change(gradients(wrong), gradients(right)) > 0
    telling = clearest_tensor(report, tuple(right.network.layers), place)
    return compute.read_only(Shown(report, sentences(report), telling, changed))


@st.cache_resource(max_entries=64, hash_funcs=compute.BY_REPR)
def plain_bug(experiment: Experiment) -> tuple[Bug, str] | None:
    """The first of PLAIN that changes a gradient of this very network, and where; None if the network is too large."""
    if within_reach(experiment) != experiment:
        return None
    right = experiment.problem()
    expected = gradients(right)
    for bug in (GALLERY[name] for name in PLAIN):
        for place in reversed(places(bug, right.network, right.loss, right.x)):
            if change(gradients(planted(bug, right, place)), expected) > 0:
                return bug, place
    return None


def sentences(report: GradientReport) -> tuple[str, ...]:
    """What there is to fix, the first fault first, or that there is nothing; takes a moment when first asked for."""
    return tuple(finding.sentence for finding in report.diagnosis) or (report.summary,)


def story(bug: Bug) -> None:
    """The bug's story, and its wrong line beside the right one."""
    st.markdown(address.plain(bug.story))
    lines = {":red[:material/close:] **Wrong**": bug.wrong, ":green[:material/check:] **Right**": bug.right}
    for heading, line in lines.items():
        st.markdown(heading)
        st.code(line, language="python", wrap_lines=True)


def instead(reason: str, changes: Sequence[str]) -> None:
    """Say that the network is not quite the sidebar's, why, and in what."""
    st.markdown(
        f":material/info: The network of the sidebar {reason}. You see it with **{' and '.join(changes)}**; all other "
        "settings are the sidebar's."
    )


def diagnosis(report: GradientReport, said: Sequence[str]) -> None:
    """The sentences that say what to fix, then the verdict that they follow from."""
    st.info(
        "\n\n".join(map(address.plain, said)),
        title="What the check says",
        icon=":material/stethoscope:",
    )
    by_verdict = {
        verdict: [name for name, check in report.items() if check.verdict is verdict]
        for verdict in (Verdict.WRONG, Verdict.CANNOT_TELL, Verdict.CONSISTENT)
    }
    tensors = "; ".join(f"{verdict.words}: {', '.join(names)}" for verdict, names in by_verdict.items() if names)
    st.markdown(f"**Verdict: {report.verdict.words}.** By tensor, {tensors}.")


def no_value_changed(report: GradientReport) -> None:
    """Say that the bug leaves every gradient as it should be, and what gives it away all the same, if anything."""
    rest = (
        "No comparison of numbers can see it here; another seed, batch, activation or place may bring it out."
        if report.passed
        else "Every tensor is consistent, and the verdict is wrong all the same: what the check names above spoils the "
        "numbers of another run or of another layer."
    )
    st.markdown(
        f":material/info: **With this network, input and target the bug changes no value of any gradient.** {rest}"
    )


# As in pages.ui.compute: results made of classes that have been imported anew since are no instances of the new ones.
for cached in (placed, plain_bug, diagnosed):
    cached.clear()
