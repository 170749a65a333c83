"""Results that all sessions share: right ones for everyone, however many ask at once, and never more than are kept."""

import threading
from contextlib import nullcontext

from mlp.lab.experiment import Experiment
from pages.ui import compute


def test_many_sessions_at_once_get_their_own_results_and_no_error(monkeypatch):
    monkeypatch.setattr(compute, "_announced", lambda experiment, *_: experiment.seed)
    monkeypatch.setattr(compute.st, "empty", nullcontext)
    results, errors = {}, []

    def visit(first):
        try:
            for k in range(2_000):
                experiment = Experiment(seed=(first + 7 * k) % 97)
                assert compute._remembered(results, experiment, None, 0) == experiment.seed
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=visit, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(results) <= compute.MAX_RESULTS
