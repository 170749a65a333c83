"""Section 4 of the exercise: forward and backward through the whole network, one layer at a time."""

import streamlit as st

from mlp.check.jacobians import flow_in_words
from mlp.nn.problem import INPUT
from mlp.report import derivation, numbers, programs
from mlp.report.figures import by_hand, network, steps
from mlp.report.figures.matrices import Matrix
from mlp.report.programs import exercise
from mlp.report.tables import tensors
from pages.ui import arithmetic, compute, drawn, entries, shell, stage, widgets

# A layer of n units has a Jacobian of n x n numbers.
MAX_UNITS = 1_000

experiment = shell.settings()

stage.opening(
    "Network",
    "Exercise 2.1, section 4: A multilayer perceptron",
    "Forward, each layer hands its output to the next, up to the loss. Backward, the gradient takes the same way back: "
    "each layer turns $dy$ into $dx$ for the layer before it, and leaves the gradients of its own parameters behind.",
)

problem, report, _ = compute.checked(experiment)
passes = compute.traced(experiment)
names = [f"{step.direction} {step.name}" for step in passes]

show_all = stage.switch("Show all steps", "all_steps")
if show_all:
    shown = passes
else:
    shown = [passes[widgets.stepper("Step", names, "step")]]
    step = shown[0]
    edges = network.weights(problem.network)
    what = "weight"
    if step.direction == "backward":
        edges, what = network.weight_gradients(problem.network, report), "gradient"
    drawn.figure(
        network.alt_text(experiment.sizes, what),
        "diagram",
        (experiment, step.direction, step.name),
        by_hand.diagram,
        problem,
        passes,
        edges,
        what,
        step,
        on_click=entries.part_asked("diagram", tuple(edges), problem.x.ndim > 1),
    )
    st.caption("Click a unit, or an edge near its start, to see where its gradient comes from; or a cell below.")
    arithmetic.explained(entries.asked(report), problem, report, (experiment,))

flowing = {f"{step.name}.{name}": array.shape for step in passes for name, array in steps.arrays(step).items()}
place = entries.kept(entries.IN_STEP, flowing)
for step in shown:
    st.subheader(steps.title(step), anchor=False)
    written_out = derivation.written_out(problem, passes, step)
    if written_out:
        st.markdown("\n".join(f"- ${line}$" for line in written_out))
    else:
        st.latex(steps.formula(step, problem.network, problem.loss))
    st.caption(f"Shapes: {steps.shapes(step)}. In numpy: {steps.code(step, problem.network)}")
    arithmetic.step(step, place, problem, experiment)

st.header("Do the gradients survive the way back?")
norms = steps.gradient_norms(passes)
st.markdown(flow_in_words(list(norms.values())))
if max(experiment.sizes) > MAX_UNITS:
    st.info(
        f"The Jacobians of layers are shown for up to {MAX_UNITS:,} units in each; this network has a layer of "
        f"{max(experiment.sizes):,}. Smaller layer sizes show them."
    )
else:
    flow = compute.flow(experiment)
    drawn.figure(
        "The norm of the gradient on its way back, and the singular values of each layer's Jacobian",
        "flow",
        (experiment,),
        steps.flow_figure,
        norms,
        flow,
    )
    rounding = flow.error_of_product
    apart = f"differs from the Jacobian of the network in one piece by at most {numbers.brief(rounding)}, and that"
    same = "is the Jacobian of the network in one piece to the last bit, which differs"
    st.markdown(
        "The Jacobian of the output with respect to the input is the product of the layers' Jacobians, the last "
        f"layer's first: that is the chain rule. The product {apart if rounding else same} from the numerical one by "
        f"at most {numbers.brief(flow.error_of_numerical)}"
        + (", all for the first sample." if experiment.batch > 1 else ".")
    )
    given = {step.name: step.given[0] if experiment.batch > 1 else step.given for step in passes[: len(flow.layers)]}
    arithmetic.jacobians(
        problem.network,
        next(iter(given.values())),
        [(INPUT, Matrix("product of layers", flow.product)), (INPUT, Matrix("whole network", flow.whole))],
        "The product of the layers' Jacobians and the whole network's Jacobian",
        entries.JACOBIAN,
        (experiment,),
        experiment,
    )
    layer = widgets.selection(
        "Jacobian of one layer", list(flow.layers), "layer", "At the input that reaches this layer."
    )
    arithmetic.jacobians(
        problem.network.layers[layer],
        given[layer],
        [(INPUT, Matrix(f"dy / dx of {layer}", flow.layers[layer]))],
        f"The Jacobian of {layer}",
        entries.LAYER_JACOBIAN,
        (experiment, layer),
        experiment,
    )
    st.subheader(f"The exercise's test of the whole network, with dy = {numbers.counted(experiment.sizes[-1])}")
    st.markdown("No loss yet: any dy can test backward. The numerical dx is dy times the network's numerical Jacobian.")
    widgets.table(tensors.exercise_test(problem, flow))
    st.subheader("What each layer does to the gradient")
    table = tensors.flow(flow, norms)
    widgets.table(table)
    st.caption("The spectral norm is the largest singular value of a matrix: it stretches no vector by more.")
    with st.container(horizontal=True):
        widgets.download("Jacobian as CSV", lambda: tensors.matrix_csv(flow.whole), "jacobian.csv", "text/csv")
        widgets.download("Layers as CSV", lambda: tensors.to_csv(table), "layers.csv", "text/csv")

widgets.cell(exercise.network(experiment))
widgets.programs(lambda: programs.network(experiment))
