"""What stands first: sentences and one picture, for people who decide."""

from __future__ import annotations

import math

from strads.reporting import wording
from strads.reporting.charts.bars import Bar, Part, bars
from strads.reporting.charts.lines import Line, line_chart
from strads.reporting.page.markup import Section, figure, paragraph
from strads.reporting.run_record import RunRecord
from strads.reporting.savings import common_figure, saving
from strads.reporting.spending import MEANINGS, spent
from strads.reporting.steps import best_so_far, rises
from strads.reporting.summary import sentences


def in_short(record: RunRecord, baseline: RunRecord | None) -> Section:
    """Return the sentences and the picture."""
    told = "".join(paragraph(sentence, "lede") for sentence in sentences(record, baseline))
    section = Section("In short", told)
    figure_of_both = None if baseline is None else common_figure([record, baseline])
    if baseline is not None and figure_of_both is not None:
        _both(section, record, baseline, figure_of_both)
    else:
        section.body += figure("What was spent, and what was saved", _bars(record), (
            "Processor time of the workers, by what it went into. If the schedule left out "
            "updates: those made, beside those of a way that updates all variables in every epoch."
        ), "hero")  # fmt: skip
    return section


def _bars(record: RunRecord) -> str:
    use, saved = spent(record), saving(record)
    parts = [
        Part(seconds, kind, f"{MEANINGS[kind].partition(':')[0]} {_part(seconds, use.held)}")
        for kind, seconds in use.kinds.items()
        if seconds > 0.0
    ]
    shown = [Bar(f"Processor time: {wording.number(use.held)} s in all", parts)]
    told = "; ".join(part.words for part in parts)
    if saved is not None and saved.saves:
        left_out = max(saved.all_of_them - saved.updates, 0.0)
        made = Part(saved.updates, "b0", f"updates made: {wording.count(saved.updates)}")
        rest = Part(left_out, "saved", f"left out by the schedule: {wording.count(left_out)}")
        heading = f"Updates: {wording.share(saved.updates / max(saved.all_of_them, 1.0))} of all"
        shown.append(Bar(heading, [made, rest] if left_out else [made]))
        told += f". {made.words}; {rest.words}"
    return bars(shown, title="What was spent, and what was saved", description=told)


def _part(seconds: float, whole: float) -> str:
    return wording.share(seconds / whole) if whole > 0.0 else ""


def _both(section: Section, record: RunRecord, baseline: RunRecord, name: str) -> None:
    """Add the picture of two runs at equal resources."""
    pair = (("this run", record), ("the conventional way", baseline))
    rising = any(rises(one.steps.figures[name]) for _, one in pair)
    lines = [
        Line(f"{words}: {one.name}", one.steps.seconds * spent(one).workers,
             best_so_far(one.steps.figures[name], rising))
        for words, one in pair
    ]  # fmt: skip
    known = all(math.isfinite(v) and v > 0.0 for line in lines for v in line.y[-1:])
    chart = line_chart(
        lines, key="both", title=f"{name} against processor-seconds, of both runs",
        description="; ".join(
            f"{line.label} ends at {wording.number(float(line.y[-1]))} after "
            f"{wording.number(float(line.x[-1]))} processor-seconds" for line in lines
        ),
        x_label="processor-seconds (seconds × workers)", y_label=f"best {name} so far",
        log_y=known and not rising,
    )  # fmt: skip
    section.points["both"] = chart.points
    section.body += figure("The same accuracy, in two ways", chart.markup, (
        "How far each run had come, for the same amount of processor time. The line that is "
        f"{'higher' if rising else 'lower'} at a place of the horizontal axis is ahead there."
    ), "hero")  # fmt: skip
