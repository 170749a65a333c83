"""The way of somebody with code elsewhere: a problem goes out, gradients come back, and their mistake is named."""

import numpy as np
from playwright.sync_api import expect

from mlp.nn.functional import linear_backward


def test_a_problem_goes_out_and_gradients_with_a_mistake_come_back(visit, tmp_path):
    visit.goto("/your_gradients?sizes=3-4&seed=7&batch=2")
    expect(visit.get_by_text("Until you bring yours, you see")).to_be_visible(timeout=30_000)
    expect(visit.get_by_text("These gradients are right")).not_to_be_visible()
    with visit.expect_download() as download:
        visit.get_by_role("button", name="Weights, input, target (NPZ)").click()
    download.value.save_as(tmp_path / "problem.npz")

    problem = np.load(tmp_path / "problem.npz", allow_pickle=False)
    x, W, b = problem["x"], problem["fc1.W"], problem["fc1.b"]
    y = x @ W.T + b
    dx, dW, db = linear_backward(2 * (y - problem["target"]), x, W, b)  # the mean is forgotten
    np.savez(tmp_path / "mine.npz", W1=dW, b1=db, dx=dx)

    visit.locator("input[type=file]").set_input_files(tmp_path / "mine.npz")
    expect(visit.get_by_text("These gradients are wrong")).to_be_visible()
    expect(
        visit.get_by_text("the factor is 8 (perhaps the number of samples times the number of outputs")
    ).to_be_visible()
    expect(visit.locator(".heatmaplayer image")).to_have_count(3)

    (tmp_path / "bad.npz").write_bytes(b"this is no archive")
    visit.locator("input[type=file]").set_input_files(tmp_path / "bad.npz")
    expect(visit.get_by_text("This upload cannot be used")).to_be_visible()
    expect(
        visit.get_by_text("the factor is 8 (perhaps the number of samples times the number of outputs")
    ).to_be_visible()
    assert not [complaint for complaint in visit.complaints if "404" not in complaint]
    assert not visit.foreign
