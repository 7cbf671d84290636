"""The pictures of the site: they are drawn from small runs, and the examples' from theirs."""

from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from bench.pictures import __main__ as pictures
from bench.pictures import gallery

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.compiles  # for six schedules
def test_the_pictures_of_scheduling_are_drawn(tmp_path, capsys):
    pictures.main(["scheduling", "placement"], tiny=True, out=tmp_path)
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    names = ("rounds", "importance", "filter", "divergence", "placement")
    assert drawn == {f"scheduling-{name}.png" for name in names}
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("filter")]
    assert "largest coupling 0.0" in lines[1]  # below ρ
    assert "largest coupling 0.0" not in lines[0]


def test_an_example_is_recorded(tmp_path, monkeypatch):
    example = import_module("own_program")
    monkeypatch.setattr(example, "problem", partial(example.problem, rows=400, cols=100))
    assert [line.partition(":")[0] for line in gallery.record(tmp_path, tiny=True)] == [
        "own_program.py"
    ]
    kept = (ROOT / "docs" / "gallery" / "own_program.txt").read_text()
    printed = (tmp_path / "gallery" / "own_program.txt").read_text()
    assert printed.split()[:3] == kept.split()[:3] == ["converged:", "KKT", "residual"]
    assert (tmp_path / "figures" / "gallery-own_program.png").stat().st_size > 5_000


def test_every_example_has_a_picture():
    assert {path.stem for path in gallery.EXAMPLES.glob("*.py")} == {*gallery.PICTURES}
