from pathlib import Path

import pytest
from pydantic import ValidationError

from certdde.delays.classes import Constant, Several
from certdde.errors import ProblemError
from certdde.systems.controller_problem import load_controller_problem
from certdde.systems.problem import Problem, load_problem
from certdde.systems.toml_files import MAX_BYTES

EXAMPLES = Path(__file__).parents[2] / "examples"
MINIMAL = {"system": {"equations": ["x' = -x(t - tau)"]}, "delays": {"tau": {"range": [0, 1.5]}}}


def refusal(path: str | Path, *overrides: str) -> str:
    with pytest.raises(ProblemError) as caught:
        load_problem(path, overrides)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def write(tmp_path):
    def put(content: str | bytes) -> Path:
        path = tmp_path / "problem.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


CONTROLLERS = [p for p in sorted(EXAMPLES.glob("*.toml")) if 'task = "controller"' in p.read_text()]
SYSTEMS = [p for p in sorted(EXAMPLES.glob("*.toml")) if p not in CONTROLLERS]


@pytest.mark.parametrize("path", CONTROLLERS, ids=lambda path: path.stem)
def test_every_controller_to_be_found_has_a_problem_of_its_own(path):
    problem = load_controller_problem(path)
    assert problem.delay().lower > 0
    assert "run certdde learn" in refusal(path)


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_every_example_is_a_problem_with_a_supported_delay(path):
    problem = load_problem(path)
    system = problem.build()
    assert system.name == problem.name
    assert ", ".join(dict.fromkeys(name for name, _ in system.lags)) == problem.delay_class().name
    assert problem.name != path.stem


def test_defaults():
    problem = Problem.from_dict(MINIMAL)
    assert problem.delay_class() == Constant("tau", 0.0, 1.5)
    assert problem.system.domain is None
    certify = problem.certify
    assert (certify.method, certify.order, certify.seed) == ("auto", 1, 0)
    assert (certify.engine, certify.neurons, certify.outputs) == ("intervals", 16, 4)
    assert certify.budget is None


def test_the_name_of_the_file_is_the_default_title(write):
    path = write('[system]\nequations = ["x\' = -x(t - tau)"]\n[delays.tau]\nrange = [0, 1]\n')
    assert load_problem(path).name == "problem"


def test_a_problem_is_frozen():
    with pytest.raises(ValidationError):
        Problem.from_dict(MINIMAL).name = "other"


def test_from_dict_leaves_its_argument_alone():
    data = {"system": {"equations": ["x' = -x(t - tau)"]}, "delays": {"tau": {"range": [0, 1]}}}
    Problem.from_dict(data, overrides=["delays.tau.range=[0, 2]", "system.equations.0=x' = -x"])
    assert data == {**MINIMAL, "delays": {"tau": {"range": [0, 1]}}}


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("certify.method=lmi", lambda p: p.certify.method == "lmi"),
        ('certify.method = "lmi"', lambda p: p.certify.method == "lmi"),
        ("certify.budget=60", lambda p: p.certify.budget == 60.0),
        ("delays.tau.range=[0,0.3]", lambda p: p.delay_class().upper == 0.3),
        ("system.parameters.k=2", lambda p: p.system.parameters == {"k": 2.0}),
        ("system.parameters.k=[1, 2]", lambda p: p.system.parameters == {"k": (1.0, 2.0)}),
        ("system.domain={x=[-1,1]}", lambda p: p.system.domain == {"x": (-1.0, 1.0)}),
        ("system.equations.0=y' = -y(t-tau)", lambda p: p.build().states == ("y",)),
        ("delays.tau.range=[-0.0, 1]", lambda p: str(p.delay_class().lower) == "0.0"),
        ("name=a title", lambda p: p.name == "a title"),
    ],
)
def test_overrides(override, read):
    assert read(Problem.from_dict(MINIMAL, overrides=[override]))


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("delays.tau.range=[0.9,0]", "--set delays.tau.range: [0.9, 0.0] is reversed"),
        ("delays.tau.range=3", "--set delays.tau.range: 3 is not a pair"),
        ("delays.tau.range=[0,true]", "True is not a number"),
        ("delays.tau.class=fast", "is unknown; use one of: constant"),
        ("delays.tau.rate=1", "class constant has no rate"),
        ("delays.tau.args={scale=1}", "class constant has no law"),
        ("delays={}", "there is no delay"),
        ("delays.t.range=[0,1]", "the name 't'"),
        ("delays.sin.range=[0,1]", "the name 'sin'"),
        ("system.parameters.k=nan", "finite"),
        ("system.parameters.k=text", "'text' is not a number"),
        ("system.parameters.k=0x" + "f" * 9000, "a very long integer is not a finite number"),
        ("system.equilibrium.x=inf", "finite"),
        ("system.domain={x=[1,1]}", "has no inside"),
        ("system.domain={x=[0,1]}", "does not hold the equilibrium x = 0.0 inside"),
        ("certify.order=13", "a whole number from 0 to 12"),
        ("certify.order=1.0", "a whole number from 0 to 12"),
        ("certify.order=true", "a whole number from 0 to 12"),
        ("certify.seed=-1", "a whole number from 0"),
        ("certify.budget=-5", "not positive"),
        ("certify.engine=lipra", "did you mean 'lirpa'?"),
        ("certify.epochs=5", "unknown key 'epochs'"),
        ("name=", "cannot be a title"),
        ("system=3", "[system]"),
    ],
)
def test_values_that_cannot_be(override, expected):
    with pytest.raises(ProblemError) as caught:
        Problem.from_dict(MINIMAL, overrides=[override])
    assert expected in str(caught.value)
    assert str(caught.value).startswith(f"--set {override.partition('=')[0]}:")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, "delays.tau.range: the key 'range' is missing; give a pair"),
        ({"class": "slow", "range": [0, 1]}, "delays.tau.rate: the key 'rate' is missing"),
        ({"class": "random"}, "delays.tau.law: the key 'law' is missing"),
        ({"class": "random", "law": "expon", "rate": 1}, "delays.tau.rate: class random has no"),
        ({"range": [0, 1], "law": "expon"}, "delays.tau.law: class constant has no law"),
    ],
)
def test_what_a_class_takes(table, expected):
    with pytest.raises(ProblemError) as caught:
        Problem.from_dict({**MINIMAL, "delays": {"tau": table}})
    assert f"problem: {expected}" in str(caught.value)


def test_an_unknown_key_is_named_before_what_follows_from_it(write):
    path = write("[system]\nequation = []\n[delays.tau]\nrange = [0, 1]\n")
    expected = f"{path}: system.equation: unknown key 'equation'; did you mean 'equations'?"
    assert refusal(path) == expected


def test_a_key_that_is_no_word_is_quoted(write):
    assert ': "a\\n\\u001b": unknown key' in refusal(write('"a\\n\\u001b" = 1'))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "the file is empty"),
        ("[system\n", ": line 1, column 8: not TOML: "),
        ("\nx = [1, 2\n", ": line 2, at the end: not TOML: "),
        ("\n\nx = 1\nx = 2\n", ": line 4, column 6: not TOML: "),
        ("x = " + "[" * 3000, "nested too deeply"),
        ("x = " + "9" * 5000, "not TOML"),
        (b"[system]\n# \xff\n", ": line 2: byte 0xff is not UTF-8"),
        (b"PK\x03\x04rest", "certdde check"),
        (b" " * (MAX_BYTES + 1), "too long"),
    ],
)
def test_files_that_are_no_problem_files(write, content, expected):
    path = write(content)
    assert expected in refusal(path)
    assert refusal(path).startswith(str(path))


def test_a_directory_and_a_missing_file(write, tmp_path):
    assert "this is a directory" in refusal(tmp_path)
    assert "there is no such file" in refusal(tmp_path / "other" / "file.toml")
    write("")
    assert f"did you mean {tmp_path / 'problem.toml'}?" in refusal(tmp_path / "problems.toml")


def test_errors_of_equations_name_the_file(write):
    path = write('[system]\nequations = ["x\' = -y"]\n[delays.tau]\nrange = [0, 1]\n')
    with pytest.raises(ProblemError, match="unknown name 'y'") as caught:
        load_problem(path).build()
    assert str(caught.value).startswith(f"{path}: system.equations[0]: ")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"class": "random", "law": "pareto", "args": {"b": 1.0}}, "no finite mean"),
        ({"class": "random", "law": "uniform", "range": [2.0, 3.0]}, "no probability"),
    ],
)
def test_laws_are_read_but_refused_where_they_are_none(table, expected):
    problem = Problem.from_dict({**MINIMAL, "delays": {"tau": table}})
    with pytest.raises(ProblemError, match=expected):
        problem.delay_class()


def test_several_delays_have_to_be_constant():
    delays = {"tau": {"range": [0, 1]}, "sigma": {"range": [0, 2]}}
    problem = Problem.from_dict(
        {"system": {"equations": ["x' = -x(t - tau) - x(t - sigma)"]}, "delays": delays}
    )
    assert problem.build().delays == ("tau", "sigma")
    both = Several((Constant("tau", 0, 1), Constant("sigma", 0, 2)))
    assert problem.delay_class() == both
    assert both.names == ("tau", "sigma")
    data = {"system": {"equations": ["x' = -x(t - tau)"]}, "delays": delays}
    varying = Problem.from_dict(data, overrides=["delays.sigma.class=measurable"])
    with pytest.raises(ProblemError, match=r"the delay sigma is one of 2 and not constant"):
        varying.delay_class()
    for wrong in ((), (Constant("tau", 0, 1), Constant("tau", 0, 2))):
        with pytest.raises(ProblemError, match="not several"):
            Several(wrong)
