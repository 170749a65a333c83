"""The time that work may take: cut off wherever it is, and told whether one call of theirs hung."""

import time
from types import ModuleType

import pytest

from mlp.user_code.clock import Calls, TimeIsUpError, limited, remaining

# Theirs, as they come from a file of their own.
SOURCE = """
def waits():
    while True:
        pass


def is_quick(n):
    for _ in range(n):
        pass
"""
theirs = ModuleType("theirs")
exec(compile(SOURCE, "theirs.py", "exec"), vars(theirs))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            TimeIsUpError("a.py", 3, "<module>", 0),
            "importing was cut off after 2.5 seconds of processor time, at the top level of the file",
        ),
        (
            TimeIsUpError("a.py", 3, "forward", 7),
            "importing was cut off after 2.5 seconds of processor time, in one call of forward that did not come back",
        ),
        (
            TimeIsUpError("", 0, "", 7),
            "importing was cut off after 2.5 seconds of processor time, in which forward was run 7 times; "
            "no call hung. --seconds 10 gives it more time",
        ),
    ],
)
def test_the_end_is_told_with_what_took_the_time(error, text):
    fact = error.fact("importing", 2.5)
    assert (fact.level, fact.text, fact.file, fact.line) == ("problem", text, error.file, error.line)


def test_a_call_that_does_not_come_back_is_named_with_its_line():
    start = time.process_time()
    with pytest.raises(TimeIsUpError) as error, limited(0.1), Calls.one():
        theirs.waits()
    assert (error.value.file, error.value.name, error.value.calls) == ("theirs.py", "waits", 1)
    assert 3 <= error.value.line <= 4
    assert 0.05 < time.process_time() - start < 1


def test_many_quick_calls_are_counted_and_none_is_named():
    def many():
        while True:
            with Calls.one():
                theirs.is_quick(10)

    with pytest.raises(TimeIsUpError) as error, limited(0.1):
        many()
    assert (error.value.file, error.value.line, error.value.name) == ("", 0, "")
    assert error.value.calls > 10


def test_what_is_left_of_the_innermost_limit_and_none_without():
    rounded = 1e-9  # now + seconds, less what is now then: of numbers of some hundreds
    assert remaining() == float("inf")
    with limited(100):
        assert 99 < remaining() <= 100 + rounded
        with limited(50):
            assert 49 < remaining() <= 50 + rounded
        with limited(1000):
            assert remaining() <= 100 + rounded, "within another limit, within that too"
        assert 99 < remaining() <= 100 + rounded
    assert remaining() == float("inf")


def test_a_run_inside_another_does_not_end_it():
    before = Calls.count
    with Calls.one():
        with Calls.one():
            pass
        assert Calls.running
    assert not Calls.running
    assert Calls.count == before + 2


def test_a_run_that_was_cut_off_as_it_began_or_ended_runs_no_more():
    run = Calls.one()  # which something holds on to, as a traceback does
    with limited(100):
        run.__enter__()
    assert not Calls.running
