"""The report of a run: one page, from the folder of the run alone."""

from __future__ import annotations

from pathlib import Path

from strads.reporting import wording
from strads.reporting.listing import when
from strads.reporting.page.convergence import convergence
from strads.reporting.page.epochs import epochs
from strads.reporting.page.facts import certificate, faults, reproduce, settings
from strads.reporting.page.html import document, write_page
from strads.reporting.page.lede import in_short
from strads.reporting.page.markup import paragraph
from strads.reporting.page.resources import memory, processes, staleness
from strads.reporting.page.schedule import schedule
from strads.reporting.reading import read_run
from strads.reporting.run_record import RunRecord
from strads.reporting.summary import ended_as


def report(record: RunRecord, baseline: RunRecord | None = None) -> str:
    """Return the page of a run.

    Parameters
    ----------
    record : RunRecord
    baseline : RunRecord, optional
        A run on the same data in the conventional way.
    """
    title = f"{record.name}: {ended_as(record)}"
    folder = f"{record.folder.name}, {when(record)}"
    sections = [
        in_short(record, baseline), convergence(record), schedule(record), processes(record),
        staleness(record), memory(record), faults(record), certificate(record),
        settings(record), reproduce(record), epochs(record),
    ]  # fmt: skip
    told = f"Report of the run in {folder}; {wording.seconds(record.wall)}."
    return document(title, paragraph(told, "soft"), sections)


def write_report(folder: Path, baseline: Path | None = None, out: Path | None = None) -> Path:
    """Write the report of a run, by default into its folder, and return where it is.

    Raises
    ------
    DataError
        If a folder is not that of a run, or a file in it is damaged.
    OSError
        If the page cannot be written.
    """
    record = read_run(folder)
    other = None if baseline is None else read_run(baseline)
    path = folder / "report.html" if out is None else out
    write_page(path, report(record, other))
    return path
