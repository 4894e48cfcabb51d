import pytest
from learning_files import FROM_FILE, IMITATED

from certdde.errors import ProblemError
from certdde.systems.learn_fields import LearnData, LearnDelays, LearnSpec
from certdde.systems.learn_problem import load_learn_problem
from certdde.systems.problem import load_problem


def test_every_key_is_in_the_documentation(pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "learned.md").read_text(encoding="utf-8")
    section = text.partition("## The command")[2].partition("\n## ")[0]
    keys = {key for model in (LearnSpec, LearnData, LearnDelays) for key in model.model_fields}
    assert [key for key in sorted(keys - {"data", "delays"}) if f"`{key}`" not in section] == []


def test_defaults_of_the_documentation():
    spec = LearnSpec(model="dde")
    assert (spec.hidden, spec.epochs, spec.batch, spec.rate, spec.decay) == (16, 300, 64, 0.01, 0.1)
    assert (spec.window, spec.validation, spec.test, spec.bias) == (12, 0.2, 0.2, False)
    assert (spec.data.trajectories, spec.data.points) == (100, 50)
    assert spec.delays.margin == 0.01


def test_the_other_commands_read_the_file_of_a_system(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(IMITATED, encoding="utf-8")
    problem = load_problem(path)
    assert problem.learn.model == "dde"
    assert problem.build() == load_learn_problem(path).truth().build()
    path.write_text(FROM_FILE, encoding="utf-8")
    with pytest.raises(ProblemError, match="'system' is missing"):
        load_problem(path)


def test_the_name_is_that_of_the_file_if_it_has_none(tmp_path):
    path = tmp_path / "wave.toml"
    path.write_text(FROM_FILE, encoding="utf-8")
    found = load_learn_problem(path)
    assert found.name == "wave"
    assert found.data_file() == tmp_path / "data.npz"


def test_an_override_is_named_as_it_was_written(tmp_path):
    path = tmp_path / "wave.toml"
    path.write_text(FROM_FILE, encoding="utf-8")
    with pytest.raises(ProblemError) as caught:
        load_learn_problem(path, ["learn.delays.bounds=[2,1]"])
    assert caught.value.where == "--set learn.delays.bounds"
