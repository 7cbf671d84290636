"""The programs and commands of README.md and docs/*.md run as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from strads.cli import app
from strads.engine.run.run import Result

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = [path.relative_to(ROOT) for path in ROOT.glob("docs/*.md")]
FIGURES = [path.relative_to(ROOT) for path in ROOT.glob("bench/**/README.md")]
GUIDE = (ROOT / "docs" / "programs.md").read_text()
#: Pages whose Python blocks run one after the other, and all pages with such blocks.
PAGES = ("clusters.md", "coding.md", "larger-than-memory.md")
RUN = ("programs.md", "sampling.md", *PAGES)
LINK = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")  # to a file beside the document


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(found) == text.count(f"```{language}")
    return found


def execute(block: str, name: str, space: dict[str, Any]) -> None:
    exec(compile(block, f"<{name}>", "exec"), space)


@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
@pytest.mark.parametrize("number", range(len(blocks(README, "python"))))
def test_a_program_of_the_readme_runs_alone(
    number: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # so that it reads no file of ours
    execute(blocks(README, "python")[number], f"README.md, program {number}", {"__name__": "m"})
    assert capsys.readouterr().out.count("\n") >= 1


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
def test_the_code_of_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    space: dict[str, Any] = {"__name__": "__main__"}  # as typed by a user
    for number, block in enumerate(blocks(GUIDE, "python")):
        execute(block, f"docs/programs.md, block {number}", space)
    printed = capsys.readouterr().out
    assert printed.startswith("1 ")  # the first step
    assert "race in phase 'main', round 0" in printed
    ran = [value for value in space.values() if isinstance(value, Result)]
    assert len(ran) == 15
    assert {result.statistics["executor"] for result in ran} == {"processes"}


@pytest.mark.usefixtures("shared_engine")
@pytest.mark.compiled
def test_the_code_of_the_page_on_sampling_runs(capsys: pytest.CaptureFixture[str]) -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, block in enumerate(blocks((ROOT / "docs" / "sampling.md").read_text(), "python")):
        execute(block, f"docs/sampling.md, block {number}", space)
    printed = capsys.readouterr().out.split()
    assert abs(float(printed[0]) + 0.82) < 0.05  # the energy, beside Onsager's
    assert "512.0 of 512.0" in " ".join(printed)  # the cut


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
@pytest.mark.parametrize("name", PAGES)
def test_the_code_of_a_page_runs(name: str) -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, block in enumerate(blocks((ROOT / "docs" / name).read_text(), "python")):
        execute(block, f"docs/{name}, block {number}", space)


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", *sorted(map(str, [*DOCUMENTS, *FIGURES]))],
)
def test_links_lead_to_files(document: str) -> None:
    path = ROOT / document
    links = LINK.findall(path.read_text())
    missing = [link for link in links if not (path.parent / link.partition("#")[0]).exists()]
    assert missing == []


def test_other_documents_hold_no_program_that_nobody_runs() -> None:
    others = {path for path in ROOT.glob("docs/*.md") if path.name not in RUN}
    others |= {ROOT / "CONTRIBUTING.md", *(ROOT / path for path in FIGURES)}
    assert [path.name for path in sorted(others) if "```python" in path.read_text()] == []


# -- the command line --------------------------------------------------------------------------


def commands() -> list[str]:
    """Return README's lines ``strads …``, with what is optional, without what only installs."""
    shell = "".join(blocks(README, "sh")).replace("\\\n", " ")
    lines = [line for line in shell.splitlines() if line.startswith("strads ")]
    return [re.sub(r"[\[\]]", "", line.partition("  #")[0]) for line in lines]


def write_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Write a tiny file for each name in capitals of README's commands; yield name and path."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 30))
    table = np.column_stack([X, X[:, :3].sum(axis=1)])
    header = ",".join([*(f"x{j}" for j in range(30)), "price"])
    np.savetxt(folder / "data.csv", table, delimiter=",", header=header, comments="")
    yield from (("DATA", "data.csv"), ("COLUMN", "price"))
    np.save(folder / "counts.npy", np.abs(X))
    yield "COUNTS", "counts.npy"
    pairs = [(u, i) for u in range(30) for i in range(20) if rng.random() < 0.7]
    lines = [f"{u},{i},{1 + (u * i) % 5}\n" for u, i in pairs]
    (folder / "ratings.csv").write_text("user,item,rating\n" + "".join(lines))
    yield from (("RATINGS", "ratings.csv"), ("CLICKS", "ratings.csv"), ("USER", "7"))
    words = [(d, w) for d in range(1, 31) for w in range(1, 13) if (d + w) % 2 or w == 1]
    lines = [f"{d} {w} {1 + d % 3}\n" for d, w in words]
    (folder / "docword.txt").write_text(f"30\n12\n{len(lines)}\n" + "".join(lines))
    yield "DOCWORD", "docword.txt"
    np.save(folder / "couplings.npy", np.ones((6, 6)))
    yield "COUPLINGS", "couplings.npy"


@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
def test_the_commands_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other in one folder, as a reader types them."""
    monkeypatch.chdir(tmp_path)
    files = dict(write_files(tmp_path))
    assert len(commands()) >= 3
    for command in commands():
        arguments = [files.get(word, word) for word in shlex.split(command)[1:]]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{command}\n{result.output}\n{result.exception!r}"
