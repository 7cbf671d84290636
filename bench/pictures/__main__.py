"""``python -m bench.pictures``: the pictures of `docs/scheduling.md` and of the gallery.

python -m bench.pictures                # all, into docs; some three minutes
python -m bench.pictures scheduling placement     # those of docs/scheduling.md
python -m bench.pictures gallery        # what the examples print, and their pictures
"""

from pathlib import Path
from typing import Annotated, Final

from typer import Argument, Option

from bench.harness.command import command
from bench.pictures import gallery, placement, scheduling

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
PARTS: Final = {
    "scheduling": scheduling.draw, "placement": placement.draw, "gallery": gallery.record,
}  # fmt: skip


def main(
    parts: Annotated[list[str], Argument(metavar="|".join(PARTS))] = list(PARTS),  # noqa: B006
    tiny: Annotated[bool, Option(help="small problems: does it run at all")] = False,
    out: Annotated[Path, Option(help="folder of the site's sources")] = DOCS,
) -> None:
    """Draw pictures, and print the figures that the documents state."""
    for part in parts:
        for line in PARTS[part](out, tiny):
            print(line)


if __name__ == "__main__":
    command(main)
