"""Whatever is wrong with a problem file: exit status 2, one line, never a traceback."""

import pytest
from command_line import HUTCHINSON, FakeCertificate, run_certdde, write_fake_report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def fakes(stand_in):
    stand_in("certdde.reports", write_report=write_fake_report)
    stand_in("certdde.learning.certify", certify=lambda *a, **k: FakeCertificate())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[system]", "[systems]", "did you mean 'system'?"),
        ("range", "ranges", "did you mean 'range'?"),
        ("domain", "domains", "did you mean 'domain'?"),
        ("[0.0, 0.9]", "[0.9, 0.0]", "delays.tau.range"),
        ("[0.0, 0.9]", "[-0.1, 0.9]", "negative"),
        ("[0.0, 0.9]", "[0.0, 0.0]", "positive"),
        ("[0.0, 0.9]", "[0.0, inf]", "finite"),
        ("[0.0, 0.9]", "[0.0, 0.9", "line"),
        ("[-0.5, 1.0]", "[0.5, 1.0]", "system.domain.x"),
        ("[-0.5, 1.0]", "[-0.5, nan]", "finite"),
        ("{ x = ", "{ y = ", "system.domain"),
        ("t - tau", "t - tua", "did you mean tau?"),
        ("t - tau", "t - 2tau", "as in x(t - 2*tau)"),
        ("t - tau", "t - 65*tau", "from 1 to 64"),
        ("1 + x", "1 + z", "unknown name 'z'"),
        ("(1 + x)", "gamma(x)", "gamma"),
        ("-(1 + x)*", "1 + ", "not 0"),
        ("domain = { x = [-0.5, 1.0] }", "", "no domain"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, expected):
    assert old in HUTCHINSON
    path = tmp_path / "problem.toml"
    path.write_text(HUTCHINSON.replace(old, new), encoding="utf-8")
    complaint = run_certdde("certify", path, "-o", tmp_path / "out").complaint()
    assert str(path) in complaint
    assert expected in complaint


@pytest.mark.parametrize("command", ["attack", "certify", "margin", "simulate", "check", "report"])
@pytest.mark.parametrize("what", ["empty", "directory", "missing", "binary", "zero byte"])
def test_files_of_the_wrong_kind(tmp_path, command, what):
    path = tmp_path / "thing"
    match what:
        case "empty":
            path.touch()
        case "directory":
            path.mkdir()
        case "binary":
            path.write_bytes(bytes(range(256)) * 4)
        case "zero byte":
            path = f"{path}\0"
    run_certdde(command, path).complaint()


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("delays.tau.range", "key=value"),
        ("=3", "key=value"),
        ("a b=3", "key=value"),
        ("delays.tau.range=[1,0]", "--set delays.tau.range: [1.0, 0.0] is reversed"),
        ("delays.tau.range=[1,", "--set delays.tau.range"),
        ("certify.methods=lmi", "did you mean 'method'?"),
        ("certify.method=lmii", "did you mean 'lmi'?"),
        ("system.equations.9=x", "no place in the list"),
        ("system.equations.0.y=x", "not a table"),
        ('delays.tau={class="random",law="pareto",args={b=1.0}}', "no finite mean"),
        ("certify.budget=0", "not positive"),
    ],
)
def test_overrides_that_cannot_be(problem_file, tmp_path, override, expected):
    result = run_certdde("certify", problem_file, "-o", tmp_path / "out", "--set", override)
    assert expected in result.complaint()


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["--nothing"],
        ["certify"],
        ["certify", "a", "b"],
        ["certify", "a", "--set"],
        ["margin", "a", "--order", "two"],
        ["check"],
    ],
)
def test_usage(words):
    assert "see certdde --help" in run_certdde(*words).complaint()


SIGNS = "[]{}='\",\n)-\x00\x1bé"
WORDS = "nan 1e999 tau x (t ** 0x true 1979-05-27 sin( -9e99 [[ \\u0000 '''"
TOKENS = st.sampled_from([*SIGNS, *WORDS.split()])
VALUES = st.recursive(
    st.one_of(
        st.integers(-(10**30), 10**30).map(str),
        st.floats().map(lambda v: repr(v).replace("e+", "e")),
        st.sampled_from(["true", '""', '"x"', '"tau"', "1979-05-27", "0xffffffffffffffffffff"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=2).map(
            lambda items: f"{{ {', '.join(f'k{i} = {v}' for i, v in enumerate(items))} }}"
        ),
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(
    """
    name system system.equations system.equations.0 system.parameters.k system.domain
    system.domain.x system.equilibrium.x system.networks delays delays.tau delays.tau.class
    delays.tau.range delays.tau.rate delays.tau.law certify certify.order certify.seed
    certify.budget certify.engine
    """.split()
)


@st.composite
def mangled(draw):
    """A good problem file with a few pieces cut out, put in or moved."""
    text = HUTCHINSON
    for _ in range(draw(st.integers(1, 3))):
        i, j = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:i] + text[min(j, i + 8) :]
            case 1:
                text = text[:i] + draw(TOKENS) + text[i:]
            case 2:
                text = text[:i] + text[j:] + text[i:j]
            case 3:
                text = text[:i] + draw(st.text(max_size=4)) + text[min(j, i + 2) :]
    return text


def _usable_or_one_line(result):
    if result.status != 0:
        result.complaint()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=mangled())
def test_a_mangled_file_never_gives_a_traceback(tmp_path, text):
    path = tmp_path / "problem.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    _usable_or_one_line(run_certdde("certify", path, "-o", tmp_path / "out", "--json"))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=KEYS, value=VALUES)
def test_an_odd_value_never_gives_a_traceback(tmp_path, key, value):
    path = tmp_path / "problem.toml"
    path.write_text(HUTCHINSON, encoding="utf-8")
    words = ["certify", path, "-o", tmp_path / "out", "--json", "--set", f"{key}={value}"]
    _usable_or_one_line(run_certdde(*words))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(equation=st.lists(TOKENS | st.sampled_from("x+-*/^().0123456789'= "), max_size=12))
def test_an_odd_equation_never_gives_a_traceback(tmp_path, equation):
    path = tmp_path / "problem.toml"
    path.write_text(HUTCHINSON, encoding="utf-8")
    value = "x' = " + "".join(equation)
    words = ["certify", path, "-o", tmp_path / "out", "--json", "--set"]
    _usable_or_one_line(run_certdde(*words, f"system.equations.0={value}"))
