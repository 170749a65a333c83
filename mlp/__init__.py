"""Neural networks in numpy, numerical derivatives, and checks of the one against the other."""

from mlp.check.check import check_gradients
from mlp.check.given import check_given_gradients
from mlp.check.jacobians import loss_hessian
from mlp.check.model import check_model
from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict
from mlp.differences.blocks import structured_cost
from mlp.differences.hessians import hessian, hessian_vector_product
from mlp.differences.methods import METHODS, Method, optimal_step, richardson
from mlp.differences.networks import jacobian, loss_gradients, loss_gradients_by_loop
from mlp.differences.numerical import numerical_gradient
from mlp.nn.activations import ACTIVATIONS, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from mlp.nn.functional import linear_backward, linear_forward
from mlp.nn.initialisations import INITIALISATIONS, glorot, he, standard_normal
from mlp.nn.layers import Activation, Layer, Linear
from mlp.nn.losses import LOSSES, BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, Loss, MSELoss
from mlp.nn.network import MLP, Sequential, dense_layers
from mlp.nn.optimisers import OPTIMISERS, SGD, Adam, Momentum, Optimiser
from mlp.user_code.api import check_function, check_layer
from mlp.user_code.messages import ForeignError

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS",
    "INITIALISATIONS",
    "LOSSES",
    "METHODS",
    "MLP",
    "OPTIMISERS",
    "SGD",
    "Activation",
    "Adam",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "ForeignError",
    "GradientReport",
    "HuberLoss",
    "Identity",
    "Layer",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MSELoss",
    "Method",
    "Momentum",
    "Optimiser",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "TensorCheck",
    "Verdict",
    "check_function",
    "check_given_gradients",
    "check_gradients",
    "check_layer",
    "check_model",
    "dense_layers",
    "glorot",
    "he",
    "hessian",
    "hessian_vector_product",
    "jacobian",
    "linear_backward",
    "linear_forward",
    "loss_gradients",
    "loss_gradients_by_loop",
    "loss_hessian",
    "numerical_gradient",
    "optimal_step",
    "richardson",
    "standard_normal",
    "structured_cost",
]
