"""The rows that a run trains on, as a program has them: drawn, written out, or read from the file of the run."""

import inspect
from collections.abc import Iterator

from mlp.lab.dataset import TEST_PART, Dataset
from mlp.lab.datasets import DATASETS, IRIS_FILE, iris
from mlp.lab.experiment import RANDOM
from mlp.lab.settings_text import UPLOAD
from mlp.lab.training_run import Run
from mlp.report.files.exchange import RUN_FILE
from mlp.report.programs.writing import lines


def rows(run: Run) -> Iterator[str]:
    """Make x and target of the rows to train on, and test_x and test_target of those to test on."""
    data, seed = run.data, run.training.experiment.seed
    if run.training.data == RANDOM:
        return
    if run.training.data == UPLOAD:
        yield lines(
            [
                "# The rows, standardised by those to train on.",
                f'with np.load("{RUN_FILE}", allow_pickle=False) as file:',
                *(f'    {name} = file["{name}"]' for name in ("x", "target", "test_x", "test_target")),
            ]
        )
        return
    source = DATASETS[run.training.data]
    if source.draw is iris:
        yield f"# {data.about.partition(', measured')[0]}.\n" + _iris()
        yield f"np.random.seed({seed})"
    else:
        yield inspect.getsource(source.draw).strip()
        drawn = "x, labels" if data.is_classification else "x, target"
        yield f"np.random.seed({seed})\n{drawn} = {source.draw.__name__}(np.random, {source.rows})"
    if data.is_classification:
        yield f"target = np.eye({len(data.outputs)})[labels]"
    scaled = ["x"] if data.is_classification else ["x", "target"]
    yield lines(
        [
            f"# One row of {TEST_PART} is for the test; all are standardised by those to train on.",
            f"test, train = np.split(np.random.permutation(len(x)), [len(x) // {TEST_PART}])",
            *(f"{name} = ({name} - {name}[train].mean(axis=0)) / {name}[train].std(axis=0)" for name in scaled),
            "test_x, test_target = x[test], target[test]",
            "x, target = x[train], target[train]",
        ]
    )


def _iris() -> str:
    """Write the table out: measurements, and the class as a number."""
    labels = {name: str(k) for k, name in enumerate(DATASETS["Iris"].outputs)}
    table = (line.rpartition(",") for line in IRIS_FILE.read_text(encoding="utf-8").splitlines()[1:])
    return lines(
        [
            'table = """',
            *(f"{numbers},{labels[name]}" for numbers, _, name in table),
            '"""',
            "table = np.array([line.split(',') for line in table.split()], dtype=float)",
            "x, labels = table[:, :-1], table[:, -1].astype(int)",
        ]
    )


def uploaded(data: Dataset) -> str:
    """Make the data set, and the run, of the file that goes with the program."""
    target_scale = 'Scale(file["target_mean"], file["target_deviation"])' if data.target_scale else "None"
    return lines(
        [
            f'with np.load("{RUN_FILE}", allow_pickle=False) as file:',
            "    data = Dataset(",
            f"        name={data.name!r},",
            f"        about={data.about!r},",
            *(f'        {name}=file["{name}"],' for name in ("x", "target", "test_x", "test_target")),
            f"        features={data.features!r},",
            f"        outputs={data.outputs!r},",
            f"        is_classification={data.is_classification},",
            '        x_scale=Scale(file["x_mean"], file["x_deviation"]),',
            f"        target_scale={target_scale},",
            "    )",
            "run = Run(training, data)",
        ]
    )
