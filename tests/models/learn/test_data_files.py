import numpy as np
import pytest
import torch
from learning_files import arrays, csv_text, write_npz

from certdde.errors import ProblemError
from certdde.models.learn.data_files import read_trajectories, save_trajectories


def test_arrays_come_back_with_samples_in_the_second_axis(tmp_path):
    data = arrays()
    found = read_trajectories(write_npz(tmp_path), ["tau"])
    assert found.names == ("x",)
    assert torch.equal(found.times, torch.tensor(data["times"]))
    assert torch.equal(found.states[:, 3], torch.tensor(data["states"][3]))
    assert torch.equal(found.past.values[:, 5], torch.tensor(data["history"][5]))
    assert found.past.joined == "cubic"
    assert found.delays is None


def test_a_csv_says_the_same_as_the_arrays(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(csv_text(extra=[("tau", 0.5)]), encoding="utf-8")
    one, other = read_trajectories(path, ["tau"]), read_trajectories(write_npz(tmp_path), ["tau"])
    assert torch.equal(one.states, other.states)
    assert torch.equal(one.times, other.times)
    assert torch.equal(one.past.values, other.past.values)
    assert one.delays.tolist() == [[0.5]] * len(one)
    assert one.names == ("x",)


def test_without_rows_before_0_a_csv_has_no_history(tmp_path):
    path = tmp_path / "data.csv"
    rows = [f"a,{t},{t * t}\nb,{t},{-t}\nc,{t},1.0" for t in (0.0, 1.0, 2.0)]
    path.write_text("\n".join(["sample,t,y", *rows]), encoding="utf-8")
    found = read_trajectories(path, [])
    assert found.past is None
    assert found.names == ("y",)
    assert found.states[:, 0, 0].tolist() == [0.0, 1.0, 4.0]
    assert found.states[:, 1, 0].tolist() == [0.0, -1.0, -2.0]


def test_what_is_saved_is_read_again(tmp_path):
    table = np.linspace(0.1, 0.8, 8)[:, None]
    first = read_trajectories(write_npz(tmp_path, delays=table, names=np.array(["speed"])), [])
    save_trajectories(tmp_path / "again.npz", first)
    second = read_trajectories(tmp_path / "again.npz", [])
    assert second.names == ("speed",)
    for key in ("times", "states", "delays"):
        assert torch.equal(getattr(first, key), getattr(second, key))
    assert torch.equal(first.past.times, second.past.times)
    assert torch.equal(first.past.values, second.past.values)


def _changed(key, index, value):
    array = arrays()[key].copy()
    array[index] = value
    return {key: array}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (_changed("states", (2, 3, 0), np.nan), "states: x of sample 2, time 3, is nan"),
        (_changed("states", (0, 0, 0), np.inf), "is inf"),
        (_changed("history", (1, 0, 0), np.nan), "history: x of sample 1, time 0"),
        (_changed("times", 4, np.nan), "times: one is not finite"),
        (_changed("times", 4, 0.0), "times do not increase"),
        (_changed("history_times", 8, 0.5), "ends at 0.5"),
        ({"states": None}, "no array 'states'"),
        ({"times": None}, "no array 'times'"),
        ({"history_times": None}, "no array 'history_times'"),
        ({"states": np.ones((8, 17))}, "shape (8, 17)"),
        ({"states": np.ones((8, 16, 1))}, "17 times, states of shape (8, 16, 1)"),
        ({"states": np.zeros((0, 17, 1))}, "none of them empty"),
        ({"states": np.zeros((8, 17, 1))}, "every state is 0"),
        ({"states": np.full((8, 17, 1), "a")}, "numbers with 3 axes"),
        ({"states": np.full((8, 17, 1), None)}, "cannot be read"),
        ({"states": np.ones((2, 17, 1)), "history": None, "history_times": None}, "2 samples"),
        ({"history": np.ones((8, 9, 2))}, "a history of shape (8, 9, 2)"),
        ({"delays": np.ones((7, 1))}, "delays of shape (7, 1)"),
        ({"delays": -np.ones((8, 1))}, "not a positive number"),
        ({"names": np.array(["x", "y"])}, "for 1 states"),
        ({"names": np.array(["2x"])}, "letters, digits"),
        ({"state": np.ones(1)}, "unknown array 'state'"),
    ],
)
def test_arrays_that_cannot_be_used_are_named(tmp_path, changes, expected):
    path = write_npz(tmp_path, **changes)
    with pytest.raises(ProblemError) as caught:
        read_trajectories(path, [])
    assert expected in str(caught.value)
    assert caught.value.where == str(path)
    assert caught.value.wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("sample,t,x\n", "no rows"),
        ("t,x\n0,1\n", "no column 'sample'"),
        ("sample,x\n0,1\n", "no column 't'"),
        ("sample,t\n0,1\n", "for 1 states"),
        ("sample,t,x\n0,0,1\n0,1\n", "line 3: 2 values for 3 columns"),
        ("sample,t,x\n0,0,one\n", "line 2: 'one' in the column x is no number"),
        ("sample,t,x\n0,0,1\n0,1,1\n1,0,1\n1,2,1\n", "sample 1 has other times than sample 0"),
        ("sample,t,x\n0,0,1\n0,1,nan\n0,2,1\n", "samples"),
        (
            "sample,t,x\n" + "".join(f"{k},{t},nan\n" for k in range(3) for t in range(3)),
            "is nan, one of 9",
        ),
        (
            "sample,t,x,tau\n"
            + "".join(f"{k},{t},1,{t + 1}\n" for k in range(3) for t in range(3)),
            "changes within a sample",
        ),
        ("sample,t,x,x\n0,0,1,1\n", "different names"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, text, expected):
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProblemError) as caught:
        read_trajectories(path, ["tau"])
    assert expected in str(caught.value)


@pytest.mark.parametrize("name", ["data.npz", "data.csv"])
@pytest.mark.parametrize("content", [b"PK\x03\x04 no zip", b"\x93NUMPY", bytes(range(256))])
def test_files_of_another_kind(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ProblemError):
        read_trajectories(path, [])


@pytest.mark.parametrize("name", ["none.npz", "none.csv", "data.txt", ".", "a\0b.npz"])
def test_no_such_file(tmp_path, name):
    with pytest.raises(ProblemError):
        read_trajectories(tmp_path / name, [])
