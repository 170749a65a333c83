"""What most tests of other people's code leave out, since the verdict is what matters to them."""

from dataclasses import replace

import pytest

from mlp.check import evaluation_point
from mlp.user_code import check
from mlp.user_code.run.gradient_check import Told


@pytest.fixture
def verdict_alone(monkeypatch):
    """No diagnosis, and few wrong entries looked at for kinks: both take most of the time, and have their own tests."""
    monkeypatch.setattr(check, "diagnosed", lambda report: replace(report, diagnose=Told(())))
    monkeypatch.setattr(evaluation_point, "_MOST_EXAMINED", 10)
