"""What must be survived: ``python -m bench.survival TRIAL``. For Linux."""

from importlib import import_module
from typing import Annotated

from typer import Argument, Option

from bench.harness.command import command

#: Trial → how many tries we claim.
TIMES = {"cost": 5, "deaths": 200, "leader": 50, "interrupts": 50, "resume": 20, "fuzz": 10_000}
SOAK = "soak"


def main(
    trial: Annotated[str, Argument(metavar="|".join([*TIMES, SOAK]))],
    times: Annotated[int | None, Option(help="tries; by default as many as we claim")] = None,
    seed: int = 0,
    minutes: Annotated[float, Option(help="how long to soak")] = 20.0,
    only: Annotated[int | None, Option(help="repeat the try of this number (fuzz)")] = None,
) -> None:
    """Run one trial; the exit code is 1 if anything failed or was left."""
    run = import_module(f"bench.survival.{trial}").main
    if trial == SOAK:
        raise SystemExit(0 if run(minutes, seed) else 1)
    more = {} if only is None else {"only": only}
    if not run(TIMES[trial] if times is None else times, seed, **more):
        raise SystemExit(1)


if __name__ == "__main__":
    command(main)
