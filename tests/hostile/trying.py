"""Hypothesis on one property: 60 cases in every run, 200 with `-m thorough`, 20,000 with `-m nightly`."""

import resource
import time

import pytest
from hypothesis import HealthCheck, given, settings

SECONDS = 10
MEGABYTES = 500

examples = pytest.mark.parametrize(
    "examples",
    [60, pytest.param(200, marks=pytest.mark.thorough), pytest.param(20_000, marks=pytest.mark.nightly)],
)
"""Runs a test with these numbers of cases."""


def try_all(check, strategy, examples):
    """Call `check` with so many draws: none may take 10 s of processor time, nor all together 500 MB more."""

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(case):
        start = time.process_time()
        check(case)
        assert time.process_time() - start < SECONDS

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1024
