"""What the JAX programs call, by HIPS autograd: so that they run where JAX is not installed.

Both derive automatically, and neither knows a formula of this package.
"""

from types import ModuleType, SimpleNamespace

import autograd
import autograd.numpy as anp


def modules():
    """The modules `jax` and `jax.numpy` by name."""
    jax, jnp = ModuleType("jax"), ModuleType("jax.numpy")
    jnp.__dict__.update({name: getattr(anp, name) for name in dir(anp) if not name.startswith("_")})
    jax.numpy = jnp
    jax.config = SimpleNamespace(update=lambda *_: None)  # autograd computes in float64 without being asked
    jax.grad, jax.value_and_grad = autograd.grad, autograd.value_and_grad
    jax.jacobian, jax.vjp = jacobian, vjp
    jax.Array = type("Array", (), {})  # of which scipy asks whether an array is one
    jax.nn = SimpleNamespace(
        relu=lambda z: anp.where(z > 0, z, 0),
        sigmoid=lambda z: anp.exp(log_sigmoid(z)),
        log_sigmoid=log_sigmoid,
        softplus=lambda z: -log_sigmoid(-z),
        silu=lambda z: z * anp.exp(log_sigmoid(z)),
        log_softmax=log_softmax,
    )
    return {"jax": jax, "jax.numpy": jnp}


def log_sigmoid(z):
    return -anp.logaddexp(-z, 0.0)


def log_softmax(y):
    below = y - anp.max(y, axis=-1, keepdims=True)
    return below - anp.log(anp.sum(anp.exp(below), axis=-1, keepdims=True))


def jacobian(fun, argnums=0):
    if isinstance(argnums, tuple):
        return lambda *args: tuple(autograd.jacobian(fun, k)(*args) for k in argnums)
    return autograd.jacobian(fun, argnums)


def vjp(fun, *args):
    backwards = [autograd.make_vjp(fun, k)(*args)[0] for k in range(len(args))]
    return fun(*args), lambda dy: tuple(backward(dy) for backward in backwards)
