"""What `import mlp` hands on."""

import inspect

import mlp

# The names that the exercise's cells use, and what they are called with.
EXERCISE = {
    "numerical_gradient": ["fun", "x", "eps"],
    "linear_forward": ["x", "W", "b"],
    "linear_backward": ["dy", "x", "W", "b"],
    "Linear": ["in_features", "out_features"],
    "MLP": ["in_features", "hidden_size1", "hidden_size2", "out_features"],
    "MSELoss": [],
    "Tanh": [],
}


def test_all_names_are_there_in_order_and_nothing_else_is_public():
    assert all(hasattr(mlp, name) for name in mlp.__all__)
    assert len(set(mlp.__all__)) == len(mlp.__all__)
    public = {name for name, value in vars(mlp).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public == set(mlp.__all__)


def test_every_class_and_registry_entry_is_within_reach():
    for registry in (mlp.ACTIVATIONS, mlp.LOSSES):
        for name, entry in registry.items():
            assert getattr(mlp, name) is entry
            assert name in mlp.__all__
    assert {mlp.standard_normal, mlp.glorot, mlp.he} == set(mlp.INITIALISATIONS.values())


def test_the_exercises_names_take_the_exercises_arguments_first():
    for name, arguments in EXERCISE.items():
        parameters = inspect.signature(getattr(mlp, name)).parameters
        assert list(parameters)[: len(arguments)] == arguments
        # Whatever else there is has a default.
        assert all(p.default is not p.empty for p in list(parameters.values())[len(arguments) :])
    assert inspect.signature(mlp.numerical_gradient).parameters["eps"].default == 1e-4


def test_the_exercises_methods_take_the_exercises_arguments():
    for cls, method, arguments in (
        (mlp.MSELoss, "forward", ["self", "y", "target"]),
        (mlp.MSELoss, "backward", ["self"]),
        (mlp.Tanh, "forward", ["self", "x"]),
        (mlp.Tanh, "backward", ["self", "dy"]),
        (mlp.Linear, "forward", ["self", "x"]),
        (mlp.Linear, "backward", ["self", "dy"]),
        (mlp.MLP, "forward", ["self", "x"]),
        (mlp.MLP, "backward", ["self", "dy"]),
    ):
        assert list(inspect.signature(getattr(cls, method)).parameters) == arguments


def test_everything_public_says_what_it_is():
    for name in mlp.__all__:
        value = getattr(mlp, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"mlp.{name} has no docstring"
