import json

import numpy as np
import pytest
import torch
from learning_files import FLOW, FROM_FILE, IMITATED, SCHEME, csv_text, write_npz
from safetensors.torch import load_file

from certdde.errors import ProblemError
from certdde.models.learn import learn, load_model
from certdde.systems.learn_problem import load_learn_problem
from certdde.systems.problem import load_problem

KINDS = {"dde": IMITATED, "scheme": SCHEME, "flow": FLOW}
TOLD = IMITATED.replace("[0.5, 0.5]", "[0.4, 0.9]").partition("[learn.delays]")[0]


def problem(tmp_path, text, *overrides):
    path = tmp_path / "p.toml"
    path.write_text(text, encoding="utf-8")
    return load_learn_problem(path, list(overrides))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One result of each kind."""
    return {
        kind: learn(problem(tmp_path_factory.mktemp(kind), text), tmp_path_factory.mktemp("out"))
        for kind, text in (KINDS | {"told": TOLD}).items()
    }


@pytest.mark.parametrize("kind", ["dde", "told", "scheme", "flow"])
def test_a_saved_model_predicts_the_same(runs, kind):
    result = runs[kind]
    again = load_model(result.files["weights"].parent)
    with torch.no_grad():
        assert torch.equal(again.predict(result.learner.data.test), result.predicted)


@pytest.mark.parametrize("kind", ["dde", "told", "scheme", "flow"])
def test_learning_is_better_than_no_motion(runs, kind):
    errors = runs[kind].errors
    assert errors["test"] < errors["constant"]
    assert runs[kind].finite


@pytest.mark.parametrize("kind", ["dde", "told", "scheme", "flow"])
def test_graph_and_equations_are_one_function(runs, kind):
    """The numbers are the same; both sum in their own order, in float64."""
    reference = pytest.importorskip("onnx.reference")
    result = runs[kind]
    graph = reference.ReferenceEvaluator(str(result.files["graph"]))
    system = load_problem(result.files["equations"]).build()
    x, y = (
        torch.rand(2, 50, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64) - 0.5
    )
    [value] = graph.run(None, {"x": x.numpy(), "x_tau": y.numpy()})
    other = system.torch_function()(0.0, x, [y])
    assert np.abs(value - other.numpy()).max() < 1e-14
    assert np.abs(value).max() > 1e-3


@pytest.mark.parametrize("kind", ["scheme", "flow"])
def test_rounded_numbers_are_those_of_the_model_to_nine_digits(runs, kind):
    reference = pytest.importorskip("onnx.reference")
    result = runs[kind]
    graph = reference.ReferenceEvaluator(str(result.files["graph"]))
    x, y = (
        torch.rand(2, 50, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64) - 0.5
    )
    [value] = graph.run(None, {"x": x.numpy(), "x_tau": y.numpy()})
    module = result.learner.module
    with torch.no_grad():
        if kind == "scheme":
            expected = x - module.increment(y, result.learner.ends[1])
        else:
            expected = module.flow(torch.tensor([[0.25]], dtype=torch.float64), x, y)
    assert np.abs(value - expected.numpy()).max() < 1e-7


@pytest.mark.parametrize(
    "activation", ["sin", "sigmoid", "softplus", "silu", "relu", "elu", "atan"]
)
def test_graphs_of_other_activations(tmp_path, activation):
    reference = pytest.importorskip("onnx.reference")
    words = [
        f"learn.activation={activation}",
        "learn.epochs=1",
        "learn.bias=true",
        "learn.hidden=[3,2]",
    ]
    result = learn(problem(tmp_path, IMITATED, *words), tmp_path / "out")
    graph = reference.ReferenceEvaluator(str(result.files["graph"]))
    x, y = (
        torch.rand(2, 9, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64) - 0.5
    )
    [value] = graph.run(None, {"x": x.numpy(), "x_tau": y.numpy()})
    with torch.no_grad():
        expected = result.learner.model.field(torch.zeros(()), x, [y]).numpy()
    assert np.abs(value - expected).max() < 1e-13
    assert ("grammar" in result.why) == (activation in ("relu", "elu"))


def test_a_flow_that_is_no_equation_has_a_graph_and_a_reason(tmp_path):
    reference = pytest.importorskip("onnx.reference")
    words = ["learn.epochs=1", "learn.bias=true", "learn.hidden=[3,4]"]
    result = learn(problem(tmp_path, FLOW, *words), tmp_path / "out")
    assert result.equations is None
    assert "biases or several hidden layers" in result.why
    assert not (tmp_path / "out" / "equations.toml").exists()
    graph = reference.ReferenceEvaluator(str(result.files["graph"]))
    x, y = (
        torch.rand(2, 9, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64) - 0.5
    )
    [value] = graph.run(None, {"x": x.numpy(), "x_tau": y.numpy()})
    with torch.no_grad():
        expected = result.learner.flow(torch.tensor([[0.25]], dtype=torch.float64), x, y).numpy()
    assert np.abs(value - expected).max() < 1e-13


@pytest.mark.parametrize("kind", ["dde", "scheme", "flow"])
@pytest.mark.parametrize("epoch", [0, 3])
def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path, runs, kind, epoch):
    def stop(phase, numbers):
        if numbers.get("step") == epoch + 1:
            raise KeyboardInterrupt

    text, out = KINDS[kind], tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        learn(problem(tmp_path, text), out, progress=stop)
    assert not (out / "model.safetensors").exists()
    seen = []
    result = learn(
        problem(tmp_path, text), out, progress=lambda _, n: seen.append(n["step"]) if n else None
    )
    assert seen[0] == epoch + 2
    one, other = (load_file(r.files["weights"]) for r in (result, runs[kind]))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert result.fit.history == runs[kind].fit.history
    for name in ("equations", "graph"):
        assert result.files[name].read_bytes() == runs[kind].files[name].read_bytes()


def test_other_settings_or_data_start_anew_and_the_domain_does_not(tmp_path):
    def steps(*overrides):
        seen = []
        learn(
            problem(tmp_path, IMITATED, *overrides),
            tmp_path / "out",
            progress=lambda _, n: seen.append(n["step"]) if n else None,
        )
        return seen

    short = "learn.epochs=2"
    assert steps(short) == [1, 2]
    assert steps(short) == []
    assert steps(short, "learn.domain={x=[-0.5,0.5]}", "certify.method=quadratic") == []
    assert steps("learn.epochs=3") == [1, 2, 3]
    assert steps(short, "learn.data.end=1.8") == [1, 2]


def test_files_and_the_data_that_were_made_teach_the_same(tmp_path, runs):
    """data.npz of a run is a file that another run takes."""
    saved = runs["dde"].files["data"]
    text = IMITATED[: IMITATED.index("[system]")] + IMITATED[IMITATED.index("[learn]") :]
    text = text.replace("trajectories = 20\nend = 2.0\npoints = 9\n", f'file = "{saved}"\n')
    result = learn(problem(tmp_path, text), tmp_path / "out")
    assert torch.equal(result.predicted, runs["dde"].predicted)


def test_csv_and_npz_teach_the_same(tmp_path):
    write_npz(tmp_path)
    (tmp_path / "data.csv").write_text(csv_text(), encoding="utf-8")
    one = learn(problem(tmp_path, FROM_FILE), tmp_path / "one")
    other = learn(problem(tmp_path, FROM_FILE, "learn.data.file=data.csv"), tmp_path / "other")
    assert torch.equal(one.predicted, other.predicted)
    assert "data" not in one.files


def test_known_delays_are_kept_and_their_range_is_that_of_the_equations(tmp_path, runs):
    low, high = runs["told"].learner.delays()[0]["known"]
    assert 0.4 <= low < high <= 0.9
    assert load_problem(runs["told"].files["equations"]).delay_class().lower == low
    write_npz(tmp_path)
    text = FROM_FILE.replace(
        "start = [0.5]\nbounds = [0.1, 1.0]", "known = [0.5]\nrange = [0, 0.6]"
    )
    result = learn(problem(tmp_path, text), tmp_path / "out")
    assert result.learner.delays() == [{"name": "tau", "known": [0.5, 0.5]}]
    delay = load_problem(result.files["equations"]).delay_class()
    assert (delay.lower, delay.upper) == (0.0, 0.6)


def test_the_range_holds_the_learnt_delay(runs):
    [row] = runs["dde"].learner.delays()
    delay = load_problem(runs["dde"].files["equations"]).delay_class()
    assert delay.lower <= row["learned"] - 0.01 + 1e-6
    assert row["learned"] - 0.01 >= delay.lower
    assert row["learned"] + 0.01 <= delay.upper


def test_bits_make_another_model_everywhere(tmp_path):
    result = learn(problem(tmp_path, IMITATED, "learn.bits=8"), tmp_path / "out")
    weights = load_file(result.files["weights"])
    for key, value in weights.items():
        if key.startswith("field"):
            assert torch.equal(value * 2**8, (value * 2**8).round())
    longest = max(len(text) for text in result.equations.texts)
    plain = learn(problem(tmp_path, IMITATED), tmp_path / "plain")
    assert longest < min(len(text) for text in plain.equations.texts)


def test_a_network_with_biases_has_an_equilibrium_to_be_found(tmp_path):
    words = ["learn.bias=true", "learn.epochs=30"]
    result = learn(problem(tmp_path, IMITATED, *words), tmp_path / "out")
    assert result.equations is not None, result.why
    system = load_problem(result.files["equations"]).build()
    assert system.family is not None
    point = torch.tensor([float(v) for v in system.equilibrium], dtype=torch.float64)
    with torch.no_grad():
        rest = result.learner.model.field(torch.zeros(()), point, [point])
    assert float(rest.abs().max()) < 1e-9


def test_a_network_without_an_equilibrium_in_the_domain_is_no_equation(tmp_path):
    words = ["learn.activation=softplus", "learn.epochs=1", "learn.domain={x=[-1e-6,1e-6]}"]
    result = learn(problem(tmp_path, IMITATED, *words), tmp_path / "out")
    assert result.equations is None
    assert "no equilibrium was found in the domain" in result.why


def test_names_of_the_data_are_those_of_the_equations(tmp_path):
    states = np.stack([np.outer([-1, -0.5, 0.5, 1.0], np.exp(-np.arange(17) / 8))] * 2, -1)
    write_npz(
        tmp_path,
        times=np.arange(17) * 0.25,
        states=states,
        history=None,
        history_times=None,
        names=np.array(["x2", "x1"]),
    )
    text = '[learn]\nmodel = "scheme"\nhidden = 2\nepochs = 1\n[learn.data]\nfile = "data.npz"\n'
    text += '[learn.delays]\nnames = ["lag"]\nknown = [0.5]\n'
    result = learn(problem(tmp_path, text), tmp_path / "out")
    system = load_problem(result.files["equations"]).build()
    assert system.states == ("x2", "x1")
    assert system.delays == ("lag",)
    x = torch.tensor([[0.3, -0.2]], dtype=torch.float64)
    y = torch.tensor([[0.1, 0.4]], dtype=torch.float64)
    with torch.no_grad():
        expected = x - result.learner.module.increment(y, 2)
    assert torch.allclose(system.torch_function()(0, x, [y]), expected, atol=1e-7)


@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        (SCHEME, ["learn.window=41"], "a window of 41 steps"),
        (SCHEME, ["learn.delays.range=[0.4,0.5]"], "another one at each delay"),
        (SCHEME, ["learn.delays.range=[0.55,0.55]"], "no multiple"),
        (FLOW, ["learn.delays.known=[0.3]"], "no multiple"),
        (FLOW, ["learn.delays.known=[0.25,0.5]"], "2 delays"),
        (IMITATED, ['learn.delays.names=["a","b"]'], "2 names for 1 delays"),
        (IMITATED, ["learn.domain={x=[0.1,1]}"], "does not hold"),
        (IMITATED, ["learn.domain={y=[-1,1]}"], "the state x is missing"),
    ],
)
def test_settings_that_do_not_fit_the_data(tmp_path, text, overrides, expected):
    with pytest.raises(ProblemError) as caught:
        learn(problem(tmp_path, text, *overrides), tmp_path / "out")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"history_times": np.linspace(-0.5, 0, 9)}, "goes back 0.5"),
        ({"times": np.linspace(0, 0.4, 17)}, "nothing of it is seen"),
    ],
)
def test_data_that_are_shorter_than_the_delay(tmp_path, changes, expected):
    write_npz(tmp_path, **changes)
    with pytest.raises(ProblemError) as caught:
        learn(problem(tmp_path, FROM_FILE), tmp_path / "out")
    assert expected in str(caught.value)


def test_uneven_times_are_for_delay_equations_only(tmp_path):
    times = np.linspace(0, 4, 17)
    times[3] += 0.1
    write_npz(tmp_path, times=times)
    assert learn(problem(tmp_path, FROM_FILE), tmp_path / "out").finite
    text = FROM_FILE.replace('"dde"', '"flow"').replace("step = 0.25\n", "")
    text = text.replace("start = [0.5]\nbounds = [0.1, 1.0]", "known = [0.5]")
    with pytest.raises(ProblemError, match="not even"):
        learn(problem(tmp_path, text), tmp_path / "out")


@pytest.mark.parametrize("what", ["missing", "version", "weights", "text"])
def test_models_that_cannot_be_loaded(tmp_path, runs, what):
    folder = runs["flow"].files["weights"].parent
    for name in ("model.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    match what:
        case "missing":
            (tmp_path / "model.safetensors").unlink()
        case "version":
            data = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
            (tmp_path / "model.json").write_text(json.dumps({**data, "version": 9}))
        case "weights":
            other = runs["dde"].files["weights"]
            (tmp_path / "model.safetensors").write_bytes(other.read_bytes())
        case "text":
            (tmp_path / "model.json").write_text("no")
    with pytest.raises(ProblemError, match=str(tmp_path)):
        load_model(tmp_path)
