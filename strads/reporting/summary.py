"""A run in a few plain sentences, for people who decide and do not read solvers."""

from __future__ import annotations

import math

from strads.reporting import wording
from strads.reporting.checked import as_number
from strads.reporting.run_record import RunRecord
from strads.reporting.savings import common_figure, reached, same_level, saving
from strads.reporting.spending import spent
from strads.reporting.steps import rises

#: What some verdicts mean.
VERDICTS = {
    "epochs": "it had used up its epochs",
    "max_seconds": "its time was used up",
    "failed": "it failed",
    "interrupted": "it was interrupted, and has what it had found by then",
}


#: How they are put in a title.
SHORT = {"epochs": "all epochs made", "max_seconds": "time used up"}


def ended_as(record: RunRecord) -> str:
    """Return how a fit ended, in a word or two."""
    return "not ended" if record.verdict is None else SHORT.get(record.verdict, record.verdict)


def sentences(record: RunRecord, baseline: RunRecord | None = None) -> list[str]:
    """Return what was asked for, what was spent and what was gained.

    Parameters
    ----------
    record : RunRecord
    baseline : RunRecord, optional
        A run on the same data in the conventional way, to compare with.
    """
    told = [outcome(record), accuracy(record)]
    if baseline is not None:
        told += against(record, baseline)
    told += [cost(record), use(record), updates(record, alone=baseline is None), faults(record)]
    return [sentence for sentence in told if sentence]


def outcome(record: RunRecord) -> str:
    """How the fit ended."""
    if record.verdict is None:
        return (
            f"{record.name} has not told how it ended: it is still running, or it was killed. All "
            f"that follows is what it had written after {wording.seconds(record.lasted)}."
        )
    verdict = VERDICTS.get(record.verdict, record.verdict)
    said = f"{record.name} ended after {wording.seconds(record.wall)}: {verdict}."
    return f"{said} The error was: {record.error}" if record.error else said


def accuracy(record: RunRecord) -> str:
    """What the certificate says."""
    found = record.certificate
    if math.isnan(found):
        name = record.steps.headline()
        if name is None:
            return ""
        return (
            f"It computes no certificate. Its figure “{wording.figure(name)}” came to "
            f"{wording.number(record.steps.last(name))}."
        )
    told = (
        f"Its certificate, a computed measure of what the result lacks to be the best one, is "
        f"{wording.number(found)}"
    )
    if math.isnan(record.target):
        return f"{told}; no bound was asked for."
    fine = found <= record.target
    if record.verdict == "certified" and not fine:
        return (
            f"{told} after its last step; when it ended, the fit certified that its result is "
            f"within {wording.number(record.target)}, as was asked for."
        )
    return f"{told}; {wording.number(record.target)} was asked for, so it was " + (
        "reached." if fine else "not reached."
    )


def cost(record: RunRecord) -> str:
    """Processors, time and memory."""
    use = spent(record)
    memory = peak_memory(record)
    told = (
        f"It held {_processors(use.workers)} for {wording.seconds(use.wall)}, which is "
        f"{wording.number(use.held)} processor-seconds"
    )
    return f"{told}, and at most {wording.size(memory)} of memory." if memory else f"{told}."


def peak_memory(record: RunRecord) -> float:
    """Return the most memory that all processes held together, as far as it is known.

    A run in one process may end before its memory has been looked at; it has that of the process.
    """
    told = [sum(detail.memory.values()) for detail in record.details if detail.memory]
    if not told and spent(record).workers == 1:
        known = record.record.get("peak_memory_bytes")
        return float(known.get("leader", 0.0)) if isinstance(known, dict) else 0.0
    return max(told, default=0.0)


def use(record: RunRecord) -> str:
    """Which share of the processors' time was spent on what."""
    spending = spent(record)
    if not math.isfinite(spending.useful) or not spending.kinds.get("computing"):
        return ""
    parts = {kind: seconds / spending.held for kind, seconds in spending.kinds.items()}
    waits = parts["waiting"] + parts["starved"]
    return (
        f"Of that time {wording.share(parts['computing'])} went into computing, "
        f"{wording.share(waits)} into waiting for other processes, "
        f"{wording.share(parts['preparing'])} into preparation (compiling is done once and kept), "
        f"and {wording.share(parts['scheduling'] + parts['outside'])} into measuring, scheduling "
        "and work that one process does alone."
    )


def updates(record: RunRecord, alone: bool = True) -> str:
    """What the schedule saved, by its own counts."""
    saved = saving(record)
    if saved is None:
        return ""
    made = (
        f"It updated variables {wording.count(saved.updates)} times; there are "
        f"{wording.count(saved.variables)} variables ({saved.axis})"
    )
    if not saved.saves:
        return f"{made}, and all were updated in every epoch: the schedule saved no updates."
    if not alone:
        return f"{made}."
    return (
        f"{made}. Updating all of them in each of its {wording.count(saved.epochs)} epochs would "
        f"have been {wording.count(saved.all_of_them)} updates, {wording.times(saved.factor)} as "
        "many. Passes that only look at variables are not counted, and this is work that was left "
        "out, not time: only a second run (--baseline) shows what the other way would have needed."
    )


def against(record: RunRecord, baseline: RunRecord) -> list[str]:
    """Compare with a run in the conventional way, at the accuracy that both have reached."""
    pair = [record, baseline]
    figure = common_figure(pair)
    if figure is None:
        return [f"{baseline.name} has no figure in common with this run, so they do not compare."]
    level = same_level(pair, figure)
    rising = any(rises(one.steps.figures[figure]) for one in pair)
    ours, theirs = (reached(one, figure, level, rising) for one in pair)
    told = [
        f"Both runs reached a {figure} of {wording.number(level)}. This run needed "
        f"{wording.seconds(ours.seconds)} on {_processors(spent(record).workers)} for it, and the "
        f"conventional way ({baseline.name}) {wording.seconds(theirs.seconds)} on "
        f"{_processors(spent(baseline).workers)}, without the time to prepare either: "
        f"{_ratio(ours.processor_seconds, theirs.processor_seconds)}. Times depend on what else "
        "the machine did; counts do not."
    ]
    if ours.updates > 0.0 and theirs.updates > 0.0:
        told.append(
            f"In updates of single variables this is {wording.count(ours.updates)} against "
            f"{wording.count(theirs.updates)}: {_ratio(ours.updates, theirs.updates, 'as many')}."
        )
    return told + _unequal(record, baseline)


def _unequal(record: RunRecord, baseline: RunRecord) -> list[str]:
    """What a reader must know before believing the comparison."""
    told = []
    if spent(record).workers != spent(baseline).workers:
        told.append(
            "The two did not have the same number of processors; the factor above is of "
            "processor-seconds, which favours the run with fewer."
        )
    shapes = [one.record.get("shape") for one in (record, baseline)]
    if None not in shapes and shapes[0] != shapes[1]:
        told.append(
            f"Their data differ in shape, {_plain(shapes[0])} and {_plain(shapes[1])}: this is no "
            "comparison of the same problem."
        )
    ours, theirs = (_digests(one) for one in (record, baseline))
    if ours and theirs and not ours & theirs:
        told.append(
            "By their digests they have no array of data in common: make sure that both solved the "
            "same problem."
        )
    return told


def _digests(record: RunRecord) -> set[str]:
    """Return the digests of the arrays of data of a run, without single numbers."""
    data = record.record.get("data")
    arrays = (
        [one for one in data.values() if isinstance(one, dict)] if isinstance(data, dict) else []
    )
    many = [one for one in arrays if (as_number(one.get("entries")) or 0.0) > 1.0]
    return {str(one["digest"]) for one in many if "digest" in one}


def _ratio(ours: float, theirs: float, unit: str = "the processor time") -> str:
    if not (ours > 0.0 and theirs > 0.0):
        return "no factor can be told"
    if ours <= theirs:
        return f"the conventional way took {wording.times(theirs / ours)} {unit}"
    return f"this run took {wording.times(ours / theirs)} {unit}"


def faults(record: RunRecord) -> str:
    """Processes that died, and warnings."""
    dead, warned = len(record.deaths), len(record.warnings)
    told = "No process died" if not dead else f"{dead} processes died and were replaced"
    if dead == 1:
        told = "One process died and was replaced"
    if not warned:
        return f"{told}; there was no warning." if not dead else f"{told}."
    return f"{told}; there {'was one warning' if warned == 1 else f'were {warned} warnings'}."


def _processors(count: int) -> str:
    return "one processor" if count == 1 else f"{count} processors"


def _plain(shape: object) -> str:
    return " × ".join(map(str, shape)) if isinstance(shape, list) else str(shape)[:60]
