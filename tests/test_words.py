"""Words: retired ones stay away, riddles do not come back, what texts refer to is there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import strads

PACKAGE = Path(strads.__file__).parent
ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "bench").rglob("README.md")),
]  # fmt: skip
SOURCES = [*sorted(PACKAGE.rglob("*.py")), *sorted((ROOT / "examples").glob("*.py"))]

#: Pattern of a retired word → what to write instead. Capital letters count.
RETIRED = {
    r"\bbells?\b": "wake_workers, the word in shared memory on which workers sleep",
    r"\bchimes?\b": "wake_scheduler, the word in shared memory on which the scheduler sleeps",
    r"\bring count\b": "the number of wake-ups; a ring has the slots for leases",
    r"\brope\b": "deaths, the socket that tells of ended children",
    r"\.stages\(\)|def stages\(self": "all_phases(): it returns phases",
    r"\bRESERVED\b": "STARVED, the id that was deferred too often; CAPACITY, of memory",
    r"\bslot_\b|\bm_\b": "names that say what they hold, in generated code, too",
    r"\bbox\b": "outbox, or a name that says what it holds",
}
#: Retired where code is generated, and an ordinary word elsewhere.
RETIRED_IN_ROUNDS = {r"\blate\b": "a name that says what it holds"}

#: Phrases that leave out who does what, in small letters.
RIDDLES = [
    "as it may have been before",
    "asked for candidates only",
    "at the price of their lives",
    "be the child.",
    "belongs to who has work",
    "bounded lease is not warned of",
    "depend less on each other that move together",
    "each may stand twice",
    "earlier run may have been",
    "for who knows",
    "has the size that it has",
    "have nobody keep what earlier runs",
    "it only had them where a lease held everything",
    "must stand in exactly one",
    "nor under a quota",
    "of whatever type; true and false are none",
    "off the critical path, on the",
    "sizes that axes have had",
    "take notice of the first objective that is told",
    "they were of the ids before",
    "too little is known about",
    "until the books are in order",
    "used as it is where nobody else must see it",
    "what underflows is not nothing",
    "which so runs",
    "will be kept for nobody",
    "without how it came upon it",
]


def plain(text: str) -> str:
    """A text in small letters on one line, without the marks of comments."""
    return " ".join(re.sub(r"^\s*#:?", " ", text, flags=re.MULTILINE).split()).lower()


def found(patterns: dict[str, str], text: str) -> list[str]:
    """A line for each place where a retired word is."""
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}; write {instead}"
        for pattern, instead in patterns.items()
        for match in re.finditer(pattern, text)
    ]


@cache
def text_of(path: Path) -> str:
    return path.read_text()


def name(path: Path) -> str:
    return str(path.relative_to(ROOT if path.is_relative_to(ROOT) else PACKAGE.parent))


# One test for all files: to set up one for each takes longer than to read them.
def test_retired_words_are_gone() -> None:
    wrong = {}
    for path in DOCUMENTS + SOURCES:
        in_rounds = path.name in ("templates.py", "writer.py", "design.md")
        wrong[name(path)] = found(RETIRED | (RETIRED_IN_ROUNDS if in_rounds else {}), text_of(path))
    assert {path: lines for path, lines in wrong.items() if lines} == {}


def test_riddles_are_gone() -> None:
    texts = {name(path): plain(text_of(path)) for path in DOCUMENTS + SOURCES}
    assert [
        (path, riddle) for path, text in texts.items() for riddle in RIDDLES if riddle in text
    ] == []


def test_retired_words_and_riddles_are_found() -> None:
    """The tests above can fail, and do not take other words for retired ones."""
    assert found(RETIRED, 'x = arrays[".bell"]\nfor p in program.stages():') == [
        f"line 1: 'bell'; write {RETIRED[next(iter(RETIRED))]}",
        "line 2: '.stages()'; write all_phases(): it returns phases",
    ]
    assert found(RETIRED, "self.stages[name], an outbox, num_, a label, reserved, europe") == []
    assert all(riddle == plain(riddle) for riddle in RIDDLES)
    assert "may stand twice" in plain("# each id may stand\n    #: twice\n")


#: Files and folders, from the top of the repository or of the package.
PLACE = re.compile(r"\b(?:strads|tests|bench|docs|examples)/[\w/.*-]*\w\*?")
#: Stand for a name of the reader's choice, or for what programs write.
CHOSEN = re.compile(r"NAME|FORMAT|FILE|bench/results")


def places(text: str) -> Iterator[str]:
    """Files and folders that a text names."""
    for place in PLACE.findall(text):
        if not CHOSEN.search(place):
            yield place


def test_files_that_a_text_names_are_there() -> None:
    named = {(place, name(path)) for path in DOCUMENTS + SOURCES for place in places(text_of(path))}
    there = {place for place, _ in named if any(ROOT.glob(place))}
    assert sorted(each for each in named if each[0] not in there) == []


#: What a text refers to: `strads.engine`, :class:`strads.engine.Engine`, `~strads.kernels.dot`.
REFERENCE = re.compile(r"`~?(strads\.[\w.]*\w)`")


def leads_somewhere(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


def test_references_lead_somewhere() -> None:
    references = {
        (name(p), dotted) for p in DOCUMENTS + SOURCES for dotted in REFERENCE.findall(text_of(p))
    }
    assert len(references) > 10
    assert sorted(r for r in references if not leads_somewhere(r[1])) == []
    assert not leads_somewhere("strads.engine.Motor")
    assert not leads_somewhere("strads.motors")
