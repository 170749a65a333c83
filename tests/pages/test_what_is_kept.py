"""What a page keeps of its figures, tables and text is what it would make anew, whatever has been changed on it."""

import pytest

from pages.ui import drawn

# By page, what is changed in one session, one after another: a kind of widget, its key and its value. Numbers that were
# typed into a table, and places that were clicked, stand in the session's state.
CHANGES = {
    "overview": [
        ("button_group", "edges", "gradients"),
        ("toggle", "broken", True),
        ("state", "number", "fc1.W[2,1]"),
        ("state", "number", "fc2.b[1]"),
        ("select_slider", "eps", 1e-6),
        ("selectbox", "method", "forward"),
    ],
    "loss": [
        ("selectbox", "loss_i", "1"),
        ("state", "own_loss_y", "1,2"),
        ("state", "own_loss_t", "3,4"),
        ("select_slider", "eps", 1e-2),
        ("selectbox", "loss", "HuberLoss"),
    ],
    "activations": [
        ("state", "own_act_dy", "5,6,7"),
        ("state", "own_act_x", "1,2,3"),
        ("state", "jacobian", "x[1,1]"),
        ("text_input", "entry", "1"),
        ("selectbox", "activation", "SiLU"),
    ],
    "linear_layer": [
        ("state", "own_lin_W", "1,2;3,4;5,6"),
        ("state", "own_lin_x", "7,8"),
        ("state", "own_lin_b", "9,10,11"),
        ("state", "own_lin_dy", "12,13,14"),
        ("radio", "gradient", "b"),
        ("state", "jacobian", "W[1,3]"),
    ],
    "network": [
        ("selectbox", "step", "forward fc2"),
        ("selectbox", "step", "backward fc2"),
        ("state", "in_step", "fc2.dW[1,2]"),
        ("state", "in_step", "fc2.dW[0,1]"),
        ("state", "number", "fc1.b[1]"),
        ("selectbox", "layer", "fc2"),
        ("state", "layer_jacobian", "x[1,1]"),
        ("number_input", "seed", 4),
    ],
    "step_size": [
        ("button_group", "error", "median"),
        ("selectbox", "gradient_of", "fc1.b"),
        ("select_slider", "eps", 1e-2),
        ("selectbox", "method", "five-point"),
    ],
    "gradient_check": [
        ("radio", "tensor", "fc2.W"),
        ("text_input", "entry", "1,2"),
        ("button_group", "panel", "numerical"),
        ("radio", "tensor", "fc2.b"),
        ("state", "second", "fc2.b[0,1]"),
        ("radio", "tensor", "fc1.b"),
        ("select_slider", "eps", 1e-6),
    ],
    "bug_gallery": [
        ("selectbox", "bug", "derivative twice"),  # in the same layer as the one before
        ("button_group", "seen", "fc1.b"),
        ("selectbox", "bug", "minus in the gradient"),
        ("button_group", "place", "fc1"),
        ("state", "number", "fc1.W[2,1]"),
    ],
    "quiz": [
        ("state", "number", "fc1.W[2,1]"),
        ("number_input", "quiz", 2),
        ("number_input", "quiz", 5),
        ("button_group", "look", "fc2.b"),
    ],
}


@pytest.fixture(autouse=True)
def _made_anew_each_time(monkeypatch):
    """Nothing is kept at first, and whatever a page then finds is compared with what would be made now."""
    for name in ("_figure", "_table", "_text"):
        keep = getattr(drawn, name)
        keep.clear()

        def compared(asked, keep=keep):
            kept = keep(asked)
            assert kept == keep.__wrapped__(asked), f"{asked.key()} is out of date"
            return kept

        monkeypatch.setattr(drawn, name, compared)


@pytest.mark.parametrize("page", CHANGES)
def test_what_is_kept_is_what_would_be_made_anew(open_page, page):
    app = open_page(page, sizes="3-4-2", seed="3", hessian="true")
    assert not app.exception
    for kind, key, value in CHANGES[page]:
        if kind == "state":
            app.session_state[key] = value
        else:
            getattr(app, kind)(key=key).set_value(value)
        app.run()
        assert not app.exception, (key, value)
        # It is what the page shows: what cannot be used is forgotten, and with it its place in the address.
        assert kind != "state" or key.removeprefix("own_") in app.query_params
