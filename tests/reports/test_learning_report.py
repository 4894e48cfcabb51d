"""The report of a model that was learnt."""

import re

import pytest
from learning_files import FLOW, IMITATED

from certdde.models.learn import learn
from certdde.reports.figure import NAMES
from certdde.reports.learning import learning_tables, write_learning_report
from certdde.reports.learning_figures import learning_figures, true_delays
from certdde.systems.learn_problem import load_learn_problem


@pytest.fixture(scope="module", params=[IMITATED, FLOW], ids=["dde", "flow"])
def result(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learning")
    path = folder / "p.toml"
    path.write_text(request.param.replace('name = "', 'name = "<b>*'), encoding="utf-8")
    return learn(load_learn_problem(path, ["learn.epochs=2"]), folder)


def test_all_files_are_there_and_every_figure_is_shown(result, tmp_path):
    files = write_learning_report(result, tmp_path)
    html, md = (files[key].read_text(encoding="utf-8") for key in ("html", "md"))
    names = [figure.name for figure in learning_figures(result)]
    assert set(names) <= set(NAMES)
    for name in names:
        assert f'id="figure-{name}"' in html
        assert f"(figures/{name}.png)" in md
        assert files[f"{name}.png"].stat().st_size > 1000
    assert "certdde certify equations.toml" in html
    assert "Nothing is proved by this." in md
    assert re.search(r"https?://", html) is None


def test_names_of_the_user_are_no_markup(result, tmp_path):
    files = write_learning_report(result, tmp_path)
    assert "<b>" not in files["html"].read_text(encoding="utf-8")
    assert "<b>" not in files["md"].read_text(encoding="utf-8")


def test_tables_hold_the_numbers_of_the_result(result):
    errors = {row[0]: row for row in learning_tables(result)[0].rows}
    assert errors["test"][-1] == f"{100 * result.errors['test']:.1f} %"
    assert len(errors) == 4


def test_the_true_delay_is_shown_where_one_is_learnt(result):
    [row] = learning_tables(result)[1].rows
    learned = result.problem.learn.model == "dde"
    assert (row[-1] == "0.5") == learned
    assert true_delays(result) == ([0.5] if learned else [1.0])
    assert ("delays" in [f.name for f in learning_figures(result)]) == learned
