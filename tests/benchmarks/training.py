"""An epoch of Iris beside the loop that a student would write in numpy, and beside PyTorch.

`python -m tests.benchmarks.training`: 4-16-16-3, tanh, softmax and cross-entropy, plain gradient descent, batches of
16. All three take the same steps from the same weights, and at the same steps record the loss and the accuracy of the
training and the test rows and the norm of each layer's gradient; that they end at the same weights is asserted. They
take turns of ten epochs, and the best epoch counts, so that what else the machine does matters little.

Then the same run on the page Training, drawn as it goes on in a browser: the part of the time that is not training.
"""

import shutil
from dataclasses import replace
from itertools import pairwise
from time import perf_counter, process_time

import numpy as np
from playwright.sync_api import sync_playwright

from mlp.lab.experiment import Experiment
from mlp.lab.training import Training
from mlp.lab.training_run import RECORDS, Run
from tests.benchmarks.servers import ROOT, serve
from tests.comparing import assert_close

EPOCHS, TURN, RATE, BATCH, ROUNDS = 100, 10, 0.1, 16, 5
EXPERIMENT = Experiment((4, 16, 16, 3), loss="CrossEntropyLoss", initialisation="Glorot")
PER_EPOCH = 8  # 120 rows make 7 batches of 16 and one of 8
TRAINING = Training(EXPERIMENT, "Iris", "SGD", RATE, EPOCHS * PER_EPOCH, BATCH)
EVERY = TRAINING.steps // RECORDS
DATA = TRAINING.dataset()
DRAWN = replace(TRAINING, steps=80_000)
LINK = (
    "trained_on=Iris&optimiser=SGD&rate=0.1&mini_batch=16&planted=none&steps=80000"
    "&sizes=4-16-16-3&loss=CrossEntropyLoss&initialisation=Glorot"
)


def ours():
    """After each epoch the parameters, and the losses recorded."""
    run = Run(TRAINING)
    while True:
        run.advance(PER_EPOCH)
        yield list(run.network.parameters().values()), run.history["loss"]


def weights():
    """The weights and biases as the run draws them."""
    return [array.copy() for array in EXPERIMENT.problem().network.parameters().values()]


def batches(rng):
    """The batches of one epoch, shuffled as the run's are."""
    order = rng.permutation(len(DATA.x))
    x, target = DATA.x[order], DATA.target[order]
    for start in range(0, len(x), BATCH):
        yield x[start : start + BATCH], target[start : start + BATCH]


def bare():
    """The same in plain numpy."""
    W1, b1, W2, b2, W3, b3 = weights()
    losses, step, rng = [], 0, np.random.RandomState(EXPERIMENT.seed)

    def forward(x):
        h1 = np.tanh(x @ W1.T + b1)
        h2 = np.tanh(h1 @ W2.T + b2)
        y = h2 @ W3.T + b3
        e = np.exp(y - y.max(axis=1, keepdims=True))
        return h1, h2, e / e.sum(axis=1, keepdims=True)

    def loss(p, target):
        return -np.mean(np.sum(target * np.log(p), axis=1))

    def record(*gradients):
        p, q = forward(DATA.x)[-1], forward(DATA.test_x)[-1]
        losses.append(loss(p, DATA.target))
        loss(q, DATA.test_target)
        np.mean(p.argmax(axis=1) == DATA.target.argmax(axis=1))
        np.mean(q.argmax(axis=1) == DATA.test_target.argmax(axis=1))
        for dW, db in gradients:
            np.sqrt(np.sum(dW**2) + np.sum(db**2))

    record()
    while True:
        for x, target in batches(rng):
            h1, h2, p = forward(x)
            loss(p, target)
            dy = (p - target) / len(x)
            dW3, db3 = dy.T @ h2, dy.sum(axis=0)
            dz2 = dy @ W3 * (1 - h2**2)
            dW2, db2 = dz2.T @ h1, dz2.sum(axis=0)
            dz1 = dz2 @ W2 * (1 - h1**2)
            dW1, db1 = dz1.T @ x, dz1.sum(axis=0)
            W1 -= RATE * dW1
            b1 -= RATE * db1
            W2 -= RATE * dW2
            b2 -= RATE * db2
            W3 -= RATE * dW3
            b3 -= RATE * db3
            step += 1
            if step % EVERY == 0:
                record((dW1, db1), (dW2, db2), (dW3, db3))
        yield [W1, b1, W2, b2, W3, b3], losses


def by_torch():
    """The same in PyTorch, in float64."""
    import torch

    torch.set_num_threads(1)
    linear = [torch.nn.Linear(n, m, dtype=torch.float64) for n, m in pairwise(EXPERIMENT.sizes)]
    network = torch.nn.Sequential(linear[0], torch.nn.Tanh(), linear[1], torch.nn.Tanh(), linear[2])
    with torch.no_grad():
        for parameter, drawn in zip(network.parameters(), weights(), strict=True):
            parameter.copy_(torch.tensor(drawn))
    optimiser, loss = torch.optim.SGD(network.parameters(), RATE), torch.nn.CrossEntropyLoss()
    parts = [tuple(map(torch.tensor, part)) for part in ((DATA.x, DATA.target), (DATA.test_x, DATA.test_target))]
    losses, step, rng = [], 0, np.random.RandomState(EXPERIMENT.seed)

    def record():
        with torch.no_grad():
            for x, target in parts:
                y = network(x)
                losses.append(loss(y, target).item())
                (y.argmax(dim=1) == target.argmax(dim=1)).double().mean().item()
            for layer in linear if step else ():
                torch.sqrt((layer.weight.grad**2).sum() + (layer.bias.grad**2).sum()).item()

    record()
    while True:
        for x, target in batches(rng):
            optimiser.zero_grad()
            loss(network(torch.from_numpy(x)), torch.from_numpy(target)).backward()
            optimiser.step()
            step += 1
            if step % EVERY == 0:
                record()
        yield [parameter.detach().numpy() for parameter in network.parameters()], losses[::2]


def trained_alone():
    """The processor seconds of the run without a page."""
    start = process_time()
    Run(DRAWN).advance(DRAWN.steps)
    return process_time() - start


def trained_on_page():
    """The seconds of the run on the page, from the click to the last step drawn, and the server's processor seconds."""
    server = serve("app.py", ROOT)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(f"{server.at('training')}?{LINK}")
            tab.locator(".plot-container").nth(1).wait_for(timeout=60_000)
            start, used = perf_counter(), server.processor_seconds()
            tab.get_by_role("button", name="Train", exact=True).click()
            tab.get_by_role("button", name="Train", exact=True, disabled=True).wait_for(timeout=600_000)
            return perf_counter() - start, server.processor_seconds() - used
    finally:
        server.stop()


def main():
    """Print the table, and what drawing costs."""
    contestants = {"a run": ours, "numpy, by hand": bare, "PyTorch": by_torch}
    best = dict.fromkeys(contestants, np.inf)
    for _ in range(ROUNDS):
        going = {name: start() for name, start in contestants.items()}
        states = {}
        for _ in range(EPOCHS // TURN):
            for name, epochs in going.items():
                for _ in range(TURN):
                    start = perf_counter()
                    states[name] = next(epochs)
                    best[name] = min(best[name], perf_counter() - start)
        parameters, losses = states.pop("a run")
        for name, (others, recorded) in states.items():
            for one, other in zip([*others, recorded], [*parameters, losses], strict=True):
                assert_close(one, other, 1e-10, name)
    print("An epoch of Iris, 4-16-16-3, batches of 16\n")
    for name, seconds in best.items():
        print(f"{name:<16}{1e6 * seconds:>6.0f} us; a run takes {best['a run'] / seconds:.2f} times as long")
    alone, (seconds, processor) = trained_alone(), trained_on_page()
    print(
        f"\n{DRAWN.steps:,} steps on the page take {seconds:.1f} s, alone {alone:.1f} s: drawing is "
        f"{1 - alone / seconds:.2f} of the run, and {1 - alone / processor:.2f} of the server's processor time"
    )


if __name__ == "__main__":
    main()
