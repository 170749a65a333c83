"""What people call things: tables that turn the name of an argument, method or attribute into its role."""

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

# Words of other languages, whatever name they stand in, by the English ones.
_WORDS_IN_OTHER_LANGUAGES = {
    "input": "entrada entradas entree entrees eingabe eingaben",
    "output": "salida salidas saida saidas sortie sorties ausgabe ausgaben",
    "target": "objetivo objetivos alvo cible cibles ziel soll",
    "expected": "esperado esperada deseado deseada desejado desejada attendu attendue",
    "label": "etiqueta etiquetas rotulo rotulos",
    "prediction": "prediccion previsao vorhersage",
    "weights": "peso pesos poids gewicht gewichte",
    "bias": "sesgo sesgos biais",
    "learning": "aprendizaje aprendizado aprendizagem apprentissage",
    "rate": "tasa taxa taux",
    "learning_rate": "lernrate",
    "neurons": "neuronas neuronios neurones neuronen",
    "layer": "capa camada couche schicht",
    "layers": "capas camadas couches schichten",
    "hidden": "oculta ocultas escondida escondidas cachee cachees",
    "per": "por par pro",
    "loss": "perdida perda perte verlust",
    "cost": "costo custo cout kosten",
    "gradient": "gradiente gradientes",
    "error": "erro erreur fehler",
    "propagate": "propagar propagacion propagacao propager",
    "backpropagation": "retropropagar retropropagacion retropropagacao retropropagation",
    "train": "entrenar treinar entrainer trainieren",
    "predict": "predecir prever predire",
}
_ENGLISH = {word: english for english, words in _WORDS_IN_OTHER_LANGUAGES.items() for word in words.split()}

# Methods, the likeliest first, as `plain` writes them.
FORWARD = (
    "forward", "forwardpass", "forwardprop", "forwardpropagation", "forwardpropagate", "feedforward", "fprop", "fwd",
    "propagate", "__call__", "call", "apply",
)  # fmt: skip
BACKWARD = (
    "backward", "backwardpass", "backprop", "backwardprop", "backwardpropagation", "backpropagation", "backpropagate",
    "bprop", "bwd", "back", "backwards", "backpass", "bptt", "backpropagationthroughtime", "backpropthroughtime",
    "computegradients", "bacprop",
)  # fmt: skip
SOUNDS_BACKWARD = re.compile(
    r"^(?!.*(loss|cost|check|clip|descent|numer|norm|zero|update)).*(back|bprop|grad|deriv|delta)", re.I
)
VALUE = (
    *FORWARD, "loss", "direct", "calculate", "calc", "compute", "computeloss", "calculateloss", "getloss",
    "lossfunction", "function", "func", "fn", "f", "activate", "applyactivation", "computeactivation", "activation",
    "cost", "value", "evaluate", "get",
)  # fmt: skip
DERIVATIVE = (
    *BACKWARD, "gradient", "grad", "derivative", "derivate", "deriv", "prime", "d", "df", "diff", "lossgradient",
    "lossgrad", "lossprime", "lossderivative", "fprime", "functionprime", "dfunction", "dactivation",
    "activationderivative", "getgradient", "getgrad", "calculategradient", "computegradient", "computederivative",
    "calculatederivative", "backwardloss", "delta", "gradientloss", "gradients", "grads", "getgradients", "getgrads",
    "computegrads", "bottomdiff",
)  # fmt: skip
# What the names of two methods, or functions, that go forward and backward differ in.
DIRECTIONS = (("forward", "backward"), ("for", "back"), ("fwd", "bwd"), ("fprop", "bprop"))
OUTPUTS = ("output", "outputs", "out", "y", "a", "A", "Z", "z", "result", "activations", "activation", "loss", "data")
LOSS_VALUES = ("loss", "cost", "loss_value", "value", "error")
RATES = ("learning_rate", "lr", "eta", "learn_rate", "step_size")
TRAIN_STEPS = (
    "train_step", "training_step", "train_on_batch", "fit_batch", "partial_fit", "train_one", "learn", "step",
)  # fmt: skip
TRAINING = (*TRAIN_STEPS, "train", "fit")
PREDICTIONS = ("predict", "think", "query", "run", "forwardpasstrain")
# Texts that stand for one of several functions; a softmax may leave its slope to the loss.
CHOICES = (
    "relu", "leakyrelu", "lrelu", "elu", "selu", "gelu", "swish", "silu", "softplus", "sigmoid", "logistic", "tanh",
    "linear", "identity", "max", "average", "avg", "mean", "min",
)  # fmt: skip
STRUCTURES = ("parameters", "params", "param_dict", "weights_dict")
# What weighs a term that 0 leaves out.
WEIGHED = re.compile(
    r"(.*_)?(momentum|reg|regulari[sz]\w+|decay|penalty|lambda?|lmbda|lam|mu|l[12])(_.*)?", re.IGNORECASE
)
UPDATE = re.compile(r"_?(update\w*|step|apply_grad\w*|(calculate_)?gradients?)", re.IGNORECASE)
GRADIENT_METHODS = (
    "params_and_grads", "parameters_and_gradients", "get_params_grads", "get_params_and_grads", "gradients", "grads",
    "get_gradients", "get_grads", "parameters", "params", "get_params", "get_parameters", "getGradParameters",
)  # fmt: skip

# Arguments. A name is cut into words (`y_true` and `yTrue` are y true); it has a role if all of its words are in one of
# the role's sets and, where a role needs a leading word, at least one is in that.
_COUNT = (
    "n num number of size sizes dim dims d count nb no features feature units unit neurons neuron nodes node channel "
    "channels planes width layer l"
)
_GRADIENT = "grad grads gradient gradients error err delta diff d dl accum acc upstream incoming top"
_HOLDERS = "tensor tensors array arr vector vec matrix mat batch"  # what any numbers may be in


class _Rule(NamedTuple):
    """A role, the words of which a name must have at least one, and those it may have beside them."""

    role: str
    needed: str
    beside: str = ""


_RULES = (
    _Rule("rate", "lr eta lrate", ""),
    _Rule("rate", "learning learn", "rate de"),
    _Rule("rate", "step", "size"),
    _Rule("training", "train training trainning istrain", "is in mode flag flg phase time"),
    _Rule("training", "save store", "cache caches state states input inputs"),
    _Rule("epochs", "epoch epochs iteration iterations iter iters", "n num number of max total training train"),
    _Rule("cache", "cache caches ctx context saved memory mem tape", "linear activation relu sigmoid fc the"),
    _Rule("optimizer", "optimizer optimiser optim opt updater", "instance"),
    _Rule("upstream", "dev", "prev next dev"),
    _Rule(
        "upstream",
        "dout dy dz da dvalues dvalue doutput doutputs dl dloss dscores dh ds dnext dcurr dupstream djds dj de delta "
        "deltas error errors err grad grads gradient gradients accum upstream diff nextgrad dactivation jacobian",
        f"{_GRADIENT} out outs output outputs y z a h s value values next prev previous curr l layer loss wrt of "
        "activation side backward backwards apres ext",
    ),
    _Rule("upstream", "d dl de dc dj", "out outs output outputs y z a h c values value l next prev"),
    _Rule("mask", "mask masks", "loss target targets label labels y valid padding pad token tokens time"),
    _Rule("mask", "sample samples", "weight weights"),
    _Rule(
        "target",
        "t tt target targets label labels true actual actuals expected desired truth gt real correct hot onehot ytrue "
        "rho yd",  # beside rho_hat, or the y desired
        f"y output outputs out ground value values val vals result results one is list {_HOLDERS}",
    ),
    _Rule(
        "prediction",
        "pred preds predict predicted prediction predictions hat yhat ypred hypothesis output outputs out logit logits "
        "score scores prob probs proba probas probabilities al estimate yh p o",
        f"y a rho value values val vals result results {_HOLDERS}",
    ),
    _Rule("activation_prime", "prime deriv derivative df dactivation", "activation act func function f fn d z"),
    _Rule("activation", "activation act nonlinearity func f", "fn func function type name f"),
    _Rule("weight", "w ws weight weights kernel kernels theta wx", "matrix curr current layer"),
    _Rule("recurrent", "wh whh u", "curr current"),
    _Rule("recurrent", "recurrent", "kernel weight weights"),
    _Rule("bias", "b bs bias biases b0 w0 bh intercept", "curr current layer"),
    _Rule("scale", "gamma scale shift beta", ""),
    _Rule("state", "h c h0 c0 s0 a0 hprev aprev cprev hidden state", "prev previous next current curr t init initial"),
    _Rule(
        "ids",
        "idx idxs ids id index indices",
        "word words token tokens item items target outside center context current",
    ),
    _Rule("input_shape", "shape", "in input"),
    _Rule("in_size", "in ins input inputs visible prev previous from last fanin nin ninputs ninput", f"{_COUNT} fan"),
    _Rule("in_size", "model", "d dim"),
    _Rule("hidden_sizes", "sizes dims layers list nodes neurons", "hidden hid layer size n num per"),
    _Rule("hidden", "hidden hid h nhidden", f"{_COUNT} state"),
    _Rule(
        "out_size",
        "out outs output outputs curr current this to units unit neurons neuron nodes node classes labels filters "
        "fanout nout noutputs nneurons nunits",
        f"{_COUNT} fan",
    ),
    _Rule("batch", "batch batchsize", "size n num"),
    _Rule(
        "length", "len length maxlen seqlen timesteps", "max min seq sequence context block window input time n num of"
    ),
    _Rule("length", "block context seq sequence", "size"),
    _Rule("heads", "heads head nheads", "num n number of attention"),
    _Rule("features", "features feature dim dims size n channels shape d m", "num number of normalized in out"),
    _Rule("kernel_size", "kernel filter k pool window field", "size shape dim h w f height width"),
    _Rule("stride", "stride strides", ""),
    _Rule("padding", "pad padding pads", ""),
    _Rule("probability", "p rate prob probability drop dropout keep", "drop dropout rate prob probability out keep p"),
    _Rule("sizes", "sizes dims layers units shapes dimensions topology architecture lst", "layer"),
    _Rule("horizon", "truncate truncation trunc", "backprop bptt back steps time"),
    _Rule("seed", "seed", "random"),
    _Rule("seed", "random", "state"),
    _Rule("tiny", "eps epsilon", ""),
    _Rule(
        "fraction",
        "momentum alpha lambd lambda lamda lmbda lam mu rho sparsity reg regularization regularisation penalty decay "
        "slope",
        "weight negative strength factor coef coefficient rate param parameter",
    ),
    _Rule("rng", "rng random generator", ""),
    _Rule(
        "input",
        "x xs xt input inputs inp in a h data z s q v features tensor arr array vec vector val value mat prev img "
        "image",
        "layer state data x tensor array val value values prev in list",
    ),
    _Rule("state", "a", "prev"),  # beside an input
)
_GATES = (("recurrent", r"wh[a-z]|waa|wya?|u[a-z]|r[a-z]"), ("weight", r"w_?[a-z]{1,2}"), ("bias", r"b_?[a-z]{1,2}"))
_WORDS = tuple((rule.role, set(rule.needed.split()), set(rule.beside.split())) for rule in _RULES)


@cache
def english(name: str) -> str:
    """A name with English words in the place of those of some other languages."""
    return re.sub(r"[a-z]+", lambda word: _ENGLISH.get(word[0], word[0]), name)


@cache
def roles(name: str) -> tuple[str, ...]:
    """Every role that an argument of this name may have, the likeliest first."""
    cut = english(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    words = {re.sub(r"(?<=[a-z])[1-9]\d*$", "", word) for word in cut.split("_") if word and not word.isdigit()}
    found = [role for role, needed, beside in _WORDS if words & needed and words <= needed | beside]
    if "hidden_sizes" in found and not words & {"hidden", "hid", "list", "per"}:
        found.remove("hidden_sizes")
    if "kernel_size" in found and words & {"kernel", "filter", "pool"} and words & {"h", "w"}:
        return ("kernel_size",)  # kernel_w is no weight
    if re.fullmatch(r"l[12](_(reg|lambda|penalty|strength))?", cut):
        return ("penalty",)
    if not found:  # of a gate: Wf, Wxi, Uz, bo
        found = [role for role, pattern in _GATES if re.fullmatch(pattern, cut)]
    if not found and re.fullmatch(r"(?!.*(num|norm|clip|check|step)).*(delta|grad)s?(_(from|at|of)_\w+)?", cut):
        return ("upstream",)  # w_times_delta, delta_from_linear
    if not found and re.match(r"d_?[a-z]{2}", cut) and roles(re.sub(r"^[dD]_?", "", name)):
        return ("upstream",)  # dcurrent_h, as dh
    return tuple(dict.fromkeys(found))


# Parameters: families of names that mean the same.
_FAMILIES = (
    ("w", r"w|wt|ws|weights?|kernels?|theta|weight_?matrix|matrix|filters?|mat"),
    ("b", r"b|bs|bias|biases|w0|intercept|offset"),
    ("x", r"x|xs|xt|inputs?|inp|in|a_?prev|aprev|prev_?a|data|z|layer_?inputs?|input_?data|a|h"),
)
_MARK = r"(?:gradients?|grads?|nabla|deltas|delta|derivative|deriv|diffs?|d|g)"  # of two that begin alike the longer
_BEFORE = (
    re.compile(r"d_?[a-z]{1,4}?_?d_?(?P<stem>\w+)"),  # dL_dW, dLdW, dcost...
    re.compile(_MARK + r"_?(?:of_|wrt_|w_?r_?t_?)?(?P<stem>\w+)"),
    re.compile(r"(?P<stem>\w+?)_?" + _MARK),
)  # fmt: skip


def as_written(name: str) -> str:
    """A private name as it stands in its class: `_Dense__dW` is `__dW`."""
    return re.sub(r"^_[A-Za-z]\w*?(?=__\w)", "", name)


def bare(name: str) -> str:
    """A name without the time step at its end: of y_t and h_next."""
    return re.sub(r"(?<=.)_?(t|next)$", "", name)


def unmangled(name: str) -> str:
    """A private name without what makes it one: `_Dense__dW` is `dW`."""
    return as_written(name).strip("_")


@cache
def plain(name: str) -> str:
    """The name of a method without capitals and underscores: `_forward_pass` and `ForwardPass` are both forwardpass."""
    return name if name[-2:] == "__" else english(unmangled(name).lower()).replace("_", "")


def learning_rates(names: Iterable[str]) -> list[str]:
    """Those of the names that are a learning rate's, in capitals perhaps, the likeliest first."""
    ranks = [plain(rate) for rate in RATES]
    return sorted((name for name in names if plain(name) in ranks), key=lambda name: ranks.index(plain(name)))


def family(name: str) -> str:
    """The common name of a parameter: `weights1` and `W_1` are both w1, `biases` is b."""
    name = unmangled(name)
    plain = english(re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name).lower().strip("_"))
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
    return re.fullmatch(_MARK + r"(?:_?params?|_?parameters?)?s?", unmangled(name).lower()) is not None


@cache
def gradient_of(name: str) -> frozenset[str]:
    """The names (in lower case, and their families) of what `name` may be the gradient of."""
    plain = english(re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", unmangled(name)).lower())
    stems = set()
    for pattern in _BEFORE:
        match = pattern.fullmatch(plain)
        if match and match["stem"].strip("_"):
            stems.add(match["stem"].strip("_"))
    return frozenset(stems | {family(stem) for stem in stems})
