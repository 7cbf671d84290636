"""The page of a run: what it says, that it is harmless, and that it needs nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import open_page
from commands import done, refused
from told_runs import HOSTILE, told_run

from strads.reporting.page.html import LARGEST_PAGE
from strads.reporting.page.report import report, write_report
from strads.reporting.reading import read_run

TAGS = {
    "html", "head", "meta", "link", "title", "style", "body", "main", "h1", "h2", "h3", "p", "nav",
    "a", "section", "figure", "figcaption", "svg", "desc", "path", "text", "rect", "ul", "li",
    "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre", "button", "details",
    "summary", "label", "textarea", "script",
}  # fmt: skip


class Outline(HTMLParser):
    """Elements and attributes of a page, and the text within its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def hostile_run(folder: Path) -> Path:
    """Every text that a page shows is one that would become code if it were not escaped."""
    script, image, svg, controls = HOSTILE
    run = told_run(
        folder, name=script, figure=image, phase=svg, axis=controls, message=script, deaths=1,
        settings={image: script, "drop": list(HOSTILE)},
        record={"command": script, "date": image, "versions": {svg: script}, image: script,
                "machine": {script: image}, "data": script},
    )  # fmt: skip
    lines = (run / "events.jsonl").read_text()
    quoted = json.dumps(image)[1:-1]
    (run / "events.jsonl").write_text(
        lines.replace("worker 0", quoted).replace("certified", quoted)
    )
    return run


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile") / "<b>&\"'x"
    return report(read_run(hostile_run(folder)))


def test_nothing_that_a_run_says_becomes_markup_or_code(hostile: str) -> None:
    outline = Outline(hostile)
    assert {tag for tag, _ in outline.elements} <= TAGS
    names = {name for _, attributes in outline.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")]
    assert names.isdisjoint({"style", "src", "srcset", "action", "xlink:href"})
    assert len(outline.scripts) == len(outline.of("script")) == 2
    assert all(a["href"].startswith("#") for a in outline.of("a") if a["href"])
    assert "\x00" not in hostile
    assert "\x1b" not in hostile
    assert "\u202e" not in hostile


def test_the_points_are_data(hostile: str) -> None:
    outline = Outline(hostile)
    data, code = outline.scripts
    assert "<" not in data
    assert outline.of("script")[0]["type"] == "application/json"
    points = json.loads(data)
    assert set(points) >= {"c-seconds", "c-updates", "deferred", "active"}
    line = points["c-seconds"]["lines"][0]
    assert line["label"] == HOSTILE[1]
    assert len(line["x"]) == len(line["py"]) == 40
    assert "innerHTML" not in code
    assert "eval" not in code


def test_the_policy_forbids_everything_but_what_is_here(hostile: str) -> None:
    policy = next(
        a["content"] for a in Outline(hostile).of("meta")
        if a.get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_charts_tell_what_they_show_to_those_who_do_not_see_them(tmp_path: Path) -> None:
    page = report(read_run(told_run(tmp_path / "a")))
    outline = Outline(page)
    charts = [a for a in outline.of("svg") if a.get("role") == "img"]
    assert len(charts) >= 8
    assert all(chart["aria-label"] for chart in charts)
    others = [a for a in outline.of("svg") if a.get("role") != "img"]
    assert all(a.get("aria-hidden") == "true" for a in others)
    assert page.count("<desc>") == len(charts)
    assert "Lasso: certified" in page
    for heading in ("In short", "Convergence", "Schedule", "Processes", "Faults", "Do it again"):
        assert f"<h2>{heading}</h2>" in page
    for kind in ("prefers-color-scheme:dark", "@media print", "max-width:480px"):
        assert kind in page


def test_ids_are_there_once_and_links_lead_to_them(tmp_path: Path) -> None:
    outline = Outline(report(read_run(told_run(tmp_path / "a"))))
    ids = [a["id"] for _, a in outline.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in outline.of("a") if a["href"]} <= set(ids)
    assert {a["data-copies"] for a in outline.of("button")} <= set(ids)


def test_the_table_can_be_copied_as_csv(tmp_path: Path) -> None:
    page = report(read_run(told_run(tmp_path / "a", steps=3, figure="=cmd|x")))
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    assert found[1].splitlines() == [
        "run,step,seconds,updates,&#x27;=cmd|x,nonzeros",
        "0,1,0.1,100,0.5,3", "0,2,0.2,200,0.25,6", "0,3,0.3,300,0.125,9",
    ]  # fmt: skip


def test_the_page_of_the_longest_run_is_small(tmp_path: Path) -> None:
    """As many steps as a file of events has, and more details than are kept."""
    folder = told_run(tmp_path / "a", steps=10_000, ratio=0.999, workers=4, every=4)
    path = write_report(folder)
    assert path == folder / "report.html"
    assert 100_000 < path.stat().st_size < LARGEST_PAGE
    assert [one.name for one in folder.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("ended", [True, False])
def test_a_run_that_told_little_has_a_page(tmp_path: Path, ended: bool) -> None:
    page = report(read_run(told_run(tmp_path / "a", steps=0, ended=ended)))
    assert "No step has ended yet." in page
    assert ("has not told how it ended" in page) == (not ended)


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    run, other = told_run(tmp_path / "a"), told_run(tmp_path / "b", pace=0.5, name="Other")
    assert done("report", run).stdout.strip() == str(run / "report.html")
    done("report", run, "--baseline", other, "--out", tmp_path / "c.html")
    assert "the conventional way (Other)" in (tmp_path / "c.html").read_text()
    refused("report", tmp_path, says=("holds no events.jsonl", str(tmp_path)))


def test_a_browser_asks_for_nothing_and_runs_nothing_of_a_run(tmp_path: Path) -> None:
    folder = hostile_run(tmp_path / "run")
    seen = open_page(write_report(folder), tmp_path)
    assert seen.through_proxy == []
    assert seen.logged == []
    title = re.search(r"<title>(.*?)</title>", seen.dom)
    assert title is not None
    assert title[1] != "taken"
    assert '<div class="tip"' in seen.dom  # our own script ran
    assert re.search(r'<button type="button" data-copies="csv">', seen.dom)  # no longer hidden


def test_a_request_of_a_page_would_be_seen(tmp_path: Path) -> None:
    """The test above can fail."""
    page = tmp_path / "page.html"
    page.write_text('<img src="http://example.invalid/x.png">')
    seen = open_page(page, tmp_path)
    assert set(seen.through_proxy) == {"http://example.invalid/x.png"}
    assert seen.logged == ["http://example.invalid/x.png"]
