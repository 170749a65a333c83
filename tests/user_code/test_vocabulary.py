"""What people call things: names as they stand in courses, books and libraries, and the role that each has there."""

import pytest

from mlp.user_code import vocabulary

# By role, in the order of the rules: names that have it first of all.
ROLES = {
    "rate": "lr eta lrate tasa_aprendizaje taux_apprentissage lernrate learning_rate learnRate step_size",
    "training": "train is_training train_mode isTrain save_state store_cache",
    "cache": "cache linear_cache ctx context memory",
    "optimizer": "optimizer optimiser opt",
    "upstream": "dout dy dZ dA dvalues grad_output upstream_grad error delta dnext_h dL_dout dloss output_gradient "
    "accum_grad dcurrent_h w_times_delta outgrad delta_from_linear",
    "mask": "mask target_mask padding_mask sample_weight",
    "target": "t target targets labels y_true ground_truth expected one_hot y_real label_tensor target_batch "
    "actualResult true_vals yd objetivo salida_esperada cible alvo rho",
    "prediction": "y_pred predictions y_hat logits scores probs AL output p prediction_tensor "
    "predictedResult pred_values rho_hat salida sortie",
    "activation_prime": "activation_prime f_prime activation_derivative",
    "activation": "activation activation_fn act nonlinearity",
    "weight": "W pesos poids weights kernel theta weight_matrix Wf Wxi",
    "recurrent": "Wh recurrent_weights Uz Whh",
    "bias": "b sesgos bias biases b0 intercept bo",
    "scale": "gamma scale beta",
    "ids": "idx word_ids token_indices",
    "in_size": "neuronas_entrada visible_size input_size n_in in_features fan_in input_dim n_inputs d_model inputs",
    "hidden_sizes": "neuronas_por_capa capas_ocultas neuronas_ocultas hidden_sizes hidden_layers",
    "hidden": "hidden_size n_hidden hidden_dim",
    "out_size": "neuronas_salida output_size n_out out_features units n_neurons num_classes n_classes",
    "batch": "batch_size",
    "length": "seq_len max_length timesteps block_size",
    "heads": "num_heads n_heads heads",
    "features": "features num_features",
    "kernel_size": "kernel_size filter_size pool_size",
    "stride": "stride strides",
    "padding": "padding pad",
    "probability": "dropout_rate keep_prob drop_prob rate",
    "sizes": "sizes layer_dims layers layer_sizes topology",
    "horizon": "bptt_truncate",
    "seed": "seed random_seed random_state",
    "tiny": "eps epsilon",
    "fraction": "sparsity_param lamda momentum alpha decay negative_slope lambd reg_strength decay_rate penalty_factor",
    "rng": "rng generator",
    "input": "x X input_data a z A_prev img tensor",
    "state": "h_prev h0 hidden_state prev_h",
    "penalty": "l1 l2 l2_reg l2_lambda",
    "": "foo compute grad_norm clip_grad num_steps",
}


@pytest.mark.parametrize("role", ROLES)
def test_a_name_has_the_role_that_people_mean(role):
    found = {name: (vocabulary.roles(name) or ("",))[0] for name in ROLES[role].split()}
    assert found == dict.fromkeys(found, role)


def test_a_name_may_have_further_roles_the_likeliest_first():
    assert vocabulary.roles("inputs") == ("in_size", "input")
    assert vocabulary.roles("h")[-1] == "input"
    assert "state" in vocabulary.roles("h")
    assert "probability" in vocabulary.roles("p")


METHODS = {
    "FORWARD": "forward forward_pass forwardProp feed_forward fprop __call__ call apply propagate",
    "BACKWARD": "backward backward_pass back_prop backpropagation bprop back backpropagate bptt compute_gradients "
    "bacprop",
    "VALUE": "loss compute_loss calculate function activate f cost get_loss",
    "DERIVATIVE": "gradient grad derivative deriv prime df d loss_prime get_gradients activation_derivative delta",
}


@pytest.mark.parametrize("table", METHODS)
def test_methods_are_known_however_they_are_written(table):
    for name in METHODS[table].split():
        assert vocabulary.plain(name) in getattr(vocabulary, table), name
        for written in (f"_{name}", name.upper()) if not name.startswith("__") else ():
            assert vocabulary.plain(written) in getattr(vocabulary, table), written


@pytest.mark.parametrize(
    ("name", "sounds"),
    [
        ("my_back_pass", True),
        ("calc_grad", True),
        ("compute_delta", True),
        ("deriv_of_layer", True),
        ("gradient_check", False),
        ("loss_grad", False),
        ("update_grads", False),
        ("clip_gradients", False),
        ("zero_grad", False),
        ("forward", False),
    ],
)
def test_what_sounds_like_a_backward(name, sounds):
    assert bool(vocabulary.SOUNDS_BACKWARD.search(name)) == sounds


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("weights1", "w1"),
        ("W_1", "w1"),
        ("W", "w"),
        ("kernel", "w"),
        ("theta", "w"),
        ("biases", "b"),
        ("b2", "b2"),
        ("intercept", "b"),
        ("A_prev", "x"),
        ("inputs", "x"),
        ("_Dense__weights", "w"),
        ("gamma", "gamma"),
        ("hiddenSize", "hiddensize"),
    ],
)
def test_a_parameter_has_the_name_of_its_family(name, family):
    assert vocabulary.family(name) == family


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("dW", "w"),
        ("dW1", "w1"),
        ("grad_weights", "w"),
        ("weights_grad", "w"),
        ("dL_dW", "w"),
        ("dLdb", "b"),
        ("delta_W", "w"),
        ("nabla_b", "b"),
        ("gradient_of_bias", "b"),
        ("grad_wrt_x", "x"),
        ("_Dense__dW", "w"),
        ("dgamma", "gamma"),
    ],
)
def test_a_gradient_names_its_parameter(name, of):
    assert of in vocabulary.gradient_of(name)
    assert of not in vocabulary.gradient_of(of)


@pytest.mark.parametrize(
    ("name", "is_mark"),
    [
        *((name, True) for name in ("grad", "grads", "gradients", "d", "grad_params", "delta")),
        *((name, False) for name in ("dW", "weights", "grad_W")),
    ],
)
def test_a_name_that_says_no_more_than_gradient(name, is_mark):
    assert vocabulary.is_mark(name) == is_mark


def test_what_weighs_a_penalty_is_told_by_a_whole_word():
    names = ("momentum_gamma", "reg", "regularization_type", "weight_decay", "lambda_", "l2_reg", "aggregate", "region")
    assert [bool(vocabulary.WEIGHED.fullmatch(name)) for name in names] == 6 * [True] + 2 * [False]


def test_learning_rates_are_told_in_any_spelling_and_a_step_is_none():
    names = ["step", "STEP_SIZE", "lr_schedule", "_Net__learningRate", "LR", "rate"]
    assert vocabulary.learning_rates(names) == ["_Net__learningRate", "LR", "STEP_SIZE"]
