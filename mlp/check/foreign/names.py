"""What people call things: tables that turn the name of an argument, method or attribute into its role."""

import re
from functools import cache

# Methods, the likeliest first.
FORWARD = (
    "forward", "forward_pass", "forward_prop", "forwardprop", "forward_propagation", "forward_propagate", "feedforward",
    "feed_forward", "fprop", "propagate", "__call__", "call", "apply",
)  # fmt: skip
BACKWARD = (
    "backward", "backward_pass", "backprop", "back_prop", "backward_prop", "backwardprop", "backward_propagation",
    "back_propagation", "backpropagation", "back_propagate", "backpropagate", "bprop", "back", "backwards",
)  # fmt: skip
VALUE = (
    *FORWARD, "loss", "calculate", "calc", "compute", "compute_loss", "get_loss", "loss_function", "function", "func",
    "fn", "f", "activate", "activation", "cost", "value", "evaluate", "get",
)  # fmt: skip
DERIVATIVE = (
    *BACKWARD, "gradient", "grad", "derivative", "derivate", "deriv", "prime", "d", "df", "loss_gradient", "loss_grad",
    "loss_prime", "loss_derivative", "f_prime", "function_prime", "dfunction", "d_activation", "activation_derivative",
    "get_gradient", "get_grad", "calculate_gradient", "compute_gradient", "backward_loss", "delta", "gradient_loss",
)  # fmt: skip
OUTPUTS = ("output", "outputs", "out", "y", "a", "A", "Z", "z", "result", "activations", "activation", "loss", "data")
BUILD = (
    "initialize", "initialise", "build", "init_params", "init_param", "init_parameters", "initialize_parameters",
    "init_weights", "initialize_weights", "initWeights", "setup", "set_input_shape", "compile",
)  # fmt: skip
GRADIENT_METHODS = (
    "params_and_grads", "parameters_and_gradients", "get_params_grads", "get_params_and_grads", "gradients", "grads",
    "get_gradients", "get_grads", "parameters", "params", "get_params", "get_parameters", "getGradParameters",
)  # fmt: skip

# Arguments: the first role whose pattern fits the whole name, in lower case and without underscores at its ends.
_ROLES: tuple[tuple[str, str], ...] = (
    ("rate", r"lr|l_r|learn(ing)?_?rate|eta|step_?size"),
    ("training", r"(is_?)?train(ing|ning)?(_?(mode|flag|phase))?"),
    ("cache", r".*cache|ctx|context|saved|memory|mem|tape|state"),
    ("optimizer", r"optimi[sz]er|optim|opt|updater"),
    (
        "upstream",
        r"d_?(out|outs|output|outputs|y|z|a|h|s|value|values|curr|next|prev|upstream|j|activation|c|l_?d_?\w+|e_?d_?\w+)"
        r"|(accum|upstream|output|out|up|next|prev|previous|incoming|top|acc|a|y|z)_?(grad|gradient|gradients|error|diff|delta)"
        r"|(grad|grads|gradient|gradients|error|delta|diff)(_?(out|output|outputs|y|z|a|loss|wrt_out(put)?|next|prev|l))?"
        r"|next_?d|err|delta_?l?|upstream|dl|dloss|g|nextgrad|jacobian|djds",
    ),
    (
        "target",
        r"t|tt|target|targets|label|labels|y_?true|true_?y|y_?real|y_?t|actual|actuals|expected|desired|truth|"
        r"ground_?truth|gt|y_?target|y_?label|y_?actual|true|correct|real|true_?(value|label)s?|one_?hot|y_?onehot|y_?one_?hot",
    ),
    (
        "prediction",
        r"y_?_?(pred|hat|predicted|predict|p|prob|out|output)|pred|preds|predict|predicted|prediction|predictions|y_|yh|"
        r"hypothesis|output|outputs|out|logits?|scores?|probs?|probabilities|al|p|estimate|estimated|y_?prediction|yhat|a_?l",
    ),
    ("activation_prime", r"(act|activation)\w*(prime|deriv|derivative|grad|gradient)|d_?activation|f_?prime|df|prime|deriv\w*"),
    ("activation", r"(act|activation)(_?(fn|func|function|type|name|f))?|non_?linearity|f|func"),
    ("weight", r"w|ws|weights?|kernels?|w_?matrix|weight_?matrix|theta|wx|filters_?w|embedding"),
    ("recurrent", r"wh|whh|w_?hh|u"),
    ("bias", r"b|bs|bias|biases|b0|w0|bh|intercept"),
    ("scale", r"gamma|scale|shift|beta"),
    ("input_shape", r"(in|input)_?shape|shape"),
    (
        "in_size",
        r"n?_?in(put)?s?(_?(features?|dims?|sizes?|units?|neurons?|channels?|nodes?|num|n|d|width|count|planes))?"
        r"|(n|num|number_of|size|dim|d|nb|no)_?(of_?)?_?(in|inputs?|in_?features|in_?nodes|in_?units|prev|in_?dim|"
        r"input_?(nodes|features|units|neurons|size|dim)s?)|fan_?in|prev\w*|d_?in|d_?model|previous\w*|from_?\w*|"
        r"(last|prev)_?layer\w*|ins",
    ),
    (
        "hidden",
        r"(n|num|number_of|size|dim|d)_?(of_?)?hid(den)?\w*|hid(den)?(_?(features?|dims?|sizes?|units?|neurons?|nodes?|n|layers?_?size))?(_?\d)?|h|d_?hidden",
    ),
    (
        "out_size",
        r"n?_?out(put)?s?(_?(features?|dims?|sizes?|units?|neurons?|channels?|nodes?|num|n|d|width|count|planes))?"
        r"|(n|num|number_of|size|dim|d|nb|no)_?(of_?)?_?(out|outputs?|out_?features|units?|neurons?|nodes?|hidden|filters|classes|"
        r"output_?(nodes|features|units|neurons|size|dim)s?)|fan_?out|units?|neurons?|nodes?|d_?out|to|num|n_?classes|classes|width|"
        r"(this|curr|current|next)_?layer\w*|curr\w*|filters|neurons?_?num|outs|current",
    ),
    ("features", r"(n|num|number_of)?_?features?(_?(size|dim|num))?|dims?|size|n|channels?|num_?channels?|normalized_?shape|d|m|in_?out"),
    ("kernel_size", r"kernel_?(size|shape)|filter_?(size|shape|dim)|(h|w)_?filter|k|f_?size|field|pool_?(size|shape)|window\w*"),
    ("stride", r"strides?"),
    ("padding", r"pad(ding)?s?"),
    ("probability", r"p|rate|drop\w*|keep_?\w*|prob\w*"),
    ("sizes", r"(layer_?)?(sizes|dims|layers|units|shapes|dimensions|topology|architecture)"),
    ("seed", r"seed|random_?(seed|state)"),
    ("rng", r"rng|random|generator|random_?generator"),
    ("input", r"x|xs|inputs?|inp|in|a|a_?prev|prev_?a|h|data|z|x_?in|input_?(data|x|tensor|array|val(ue)?s?)|layer_?input|s|v|features|tensor|arr|array|vec|vector|val|value|mat|matrix|prev|img|images?"),
)  # fmt: skip
_COMPILED = tuple((role, re.compile(pattern)) for role, pattern in _ROLES)


@cache
def roles(name: str) -> tuple[str, ...]:
    """Every role that an argument of this name may have, the likeliest first."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
    return tuple(role for role, pattern in _COMPILED if pattern.fullmatch(plain))


# Parameters: families of names that mean the same.
_FAMILIES = (
    ("w", r"w|wt|ws|weights?|kernels?|theta|weight_?matrix|matrix|filters?|mat"),
    ("b", r"b|bs|bias|biases|w0|intercept|offset"),
    ("x", r"x|xs|inputs?|inp|in|a_?prev|aprev|prev_?a|data|z|layer_?inputs?|input_?data|a|h"),
)
_MARK = r"(?:grads?|gradients?|nabla|delta|deltas|deriv|derivative|d|g)"
_BEFORE = (
    re.compile(r"d_?[a-z]{1,4}?_?d_?(?P<stem>\w+)"),  # dL_dW, dLdW, dcost...
    re.compile(_MARK + r"_?(?:of_|wrt_|w_?r_?t_?)?(?P<stem>\w+)"),
    re.compile(r"(?P<stem>\w+?)_?" + _MARK),
)  # fmt: skip


def family(name: str) -> str:
    """The common name of a parameter: `weights1` and `W_1` are both w1, `biases` is b."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name).lower().strip("_")
    stem, digits = re.fullmatch(r"(.*?)_?(\d*)", plain).groups()  # type: ignore[union-attr]  # it fits any text
    for common, pattern in _FAMILIES:
        if re.fullmatch(pattern, plain):
            return common
        if stem and re.fullmatch(pattern, stem):
            return common + digits
    return plain.replace("_", "")


@cache
def is_mark(name: str) -> bool:
    """Whether a name says no more than "gradient": `grad`, `grads`, `gradients`, `d`."""
    return re.fullmatch(_MARK + r"(?:_?params?|_?parameters?)?s?", name.lower().strip("_")) is not None


@cache
def gradient_of(name: str) -> frozenset[str]:
    """The names (in lower case, and their families) of what `name` may be the gradient of."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name).lower().strip("_")
    stems = set()
    for pattern in _BEFORE:
        match = pattern.fullmatch(plain)
        if match and match["stem"].strip("_"):
            stems.add(match["stem"].strip("_"))
    return frozenset(stems | {family(stem) for stem in stems})
