"""Charts: scales and ticks, points that are kept, maps whose sums are right."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_runs import HOSTILE

from strads.reporting.charts.bars import Bar, Part, bars
from strads.reporting.charts.heat_map import binned, heat_map
from strads.reporting.charts.lines import MOST_POINTS, Line, line_chart
from strads.reporting.charts.scales import Scale
from strads.reporting.charts.svg import drawing, text
from strads.reporting.charts.timeline import timeline
from strads.reporting.run_record import Visits
from strads.reporting.spending import ProcessTimes

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(values=st.lists(FLOATS, max_size=8), log=st.booleans(), zero=st.booleans())
def test_a_scale_has_a_place_for_every_value_and_a_few_ticks(
    values: list[float], log: bool, zero: bool
) -> None:
    scale = Scale.of([np.array(values)], log=log, zero=zero).onto(10.0, 110.0)
    for value in values:
        if math.isfinite(value) and abs(value) < 1e300 and not (log and value <= 1e-300):
            assert 10.0 - 1e-6 <= scale(value) <= 110.0 + 1e-6
    ticks = scale.ticks()
    assert len(ticks) <= 8
    places = [scale(value) for value, _ in ticks]
    assert all(10.0 - 1e-3 <= place <= 110.0 + 1e-3 for place in places)


def test_ticks_are_round() -> None:
    assert [words for _, words in Scale(0.0, 1.0).ticks()] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert [words for _, words in Scale(0.0, 4.2e6).ticks()] == ["0", "1M", "2M", "3M", "4M"]
    assert [words for _, words in Scale(1e-6, 1.0, log=True).ticks()] == [
        "1e−6", "1e−4", "1e−2", "1"
    ]  # fmt: skip


def test_a_thinned_line_keeps_its_ends_and_its_extremes() -> None:
    x = np.arange(100_000.0)
    y = np.sin(x / 1000.0)
    y[[777, 55_555]] = 9.0, -9.0
    thin = Line("a", x, y).thinned(log_y=False)
    assert len(thin.x) <= MOST_POINTS
    assert (thin.x[0], thin.x[-1]) == (0.0, 99_999.0)
    assert (thin.y.max(), thin.y.min()) == (9.0, -9.0)


def test_a_chart_of_hostile_values_is_drawn() -> None:
    y = np.array([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, 5e-324, 1.0])
    for log in (False, True):
        chart = line_chart(
            [Line(HOSTILE[0], np.arange(8.0), y), Line("", np.empty(0), np.empty(0))], key="k",
            title=HOSTILE[1], description=HOSTILE[2], x_label=HOSTILE[3], y_label="y", log_y=log,
            bound=-1.0,
        )  # fmt: skip
        picture = chart.markup.partition("<ul")[0]
        ElementTree.fromstring(picture)  # it is well-formed
        assert "nan" not in picture.replace("title", "")
        assert "<script" not in picture


def test_texts_are_escaped_and_shortened() -> None:
    assert text("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#x27;"
    assert text("x" * 500).endswith("…")
    assert text("\x00\x1b\ud800\u202e") == "\ufffd" * 4
    assert "<b>" not in drawing("<b>", "<b>", "")


def visits(time: float, counts: list[float], size: int = 8) -> Visits:
    return Visits(0, time, "main", "ids", size, np.array(counts))


def test_a_map_holds_every_visit_once() -> None:
    heat, edges, size = binned([visits(1.0, [4, 0]), visits(3.0, [0, 8])], 0.0, rows=4, columns=6)
    np.testing.assert_allclose(edges, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
    assert size == 8
    per_id = heat * size / len(heat)
    assert per_id.sum() == pytest.approx(12.0)
    np.testing.assert_allclose(per_id[:2, :2], 1.0)
    np.testing.assert_allclose(per_id[2:, 2:], 1.0)
    assert per_id[:2, 2:].sum() == per_id[2:, :2].sum() == 0.0


@given(
    st.lists(
        st.tuples(st.floats(0, 10), st.lists(st.integers(0, 9), min_size=1, max_size=9),
                  st.integers(1, 40)), min_size=1, max_size=6,
    )
)  # fmt: skip
def test_sums_of_a_map_are_those_of_its_visits(
    told: list[tuple[float, list[int], int]],
) -> None:
    """Also if events come at the same time, out of order, and while the axis grows."""
    seen = [visits(time, list(map(float, counts)), size) for time, counts, size in told]
    heat, edges, size = binned(seen, 0.0, rows=5, columns=7)
    assert heat.min() >= 0.0
    assert heat.sum() * size / len(heat) == pytest.approx(sum(v.counts.sum() for v in seen))
    markup = heat_map(heat, edges, size, title="t", description="d", axis="a").partition("<ul")[0]
    ElementTree.fromstring(markup)


def test_an_even_map_looks_even_and_numbers_are_short() -> None:
    heat = np.full((4, 3), 0.03)
    drawn = heat_map(heat, np.arange(4.0), 4, title="", description="", axis="ids")
    assert "about 0.03 visits of an id" in drawn
    assert 'class="h1" d=' in drawn
    assert 'class="h8" d=' not in drawn


def test_bars_and_timelines_are_as_wide_as_their_parts() -> None:
    drawn = bars(
        [Bar("a", [Part(3.0, "b0", "x"), Part(1.0, "b1", "y")])], title="t", description="d"
    )
    widths = [float(w) for w in re.findall(r'<rect x="[^"]*" y="24" width="([^"]*)"', drawn)]
    assert widths == pytest.approx([357.0, 119.0])
    times = {"worker 0": ProcessTimes(np.array([0.0, 1.0, 2.0]),
                                      {"computing": np.array([1.0, 0.0])})}  # fmt: skip
    picture = timeline(times, title="t", description="d").partition("<ul")[0]
    assert len(re.findall(r'<path class="computing" d="M[^M]*"/>', picture)) == 1
    ElementTree.fromstring(picture)
