"""A program that plants a bug and lets the check find it."""

from mlp.lab.experiment import Experiment
from mlp.report.programs.languages import MLP, Programs
from mlp.report.programs.writing import program, settings


def bug(experiment: Experiment, name: str, place: str) -> Programs:
    """The program that prints the verdict of every tensor, and the diagnosis.

    Args:
        experiment: whose network the bug is planted in.
        name: the bug's, in the gallery.
        place: the name of the layer, or "loss".
    """
    return {
        MLP: program(
            "from mlp import check_gradients\n"
            "from mlp.check.gallery.bug import plant\n"
            "from mlp.check.gallery.catalogue import GALLERY\n"
            "from mlp.lab.experiment import Experiment",
            settings(experiment),
            "network, loss, x, target = experiment.problem()\n"
            f'planted = plant(GALLERY["{name}"], network, loss, "{place}")\n'
            "report = check_gradients(\n"
            "    planted.network, planted.loss, x, target, experiment.eps, experiment.method\n"
            ")",
            "for name, check in report.items():\n"
            '    print(f"{name}: {check.verdict.words}")\n'
            "for finding in report.diagnosis:\n"
            "    print(finding.sentence)",
        )
    }
