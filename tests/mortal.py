"""An executor without processes whose launches fail when they are told to, as if a worker died."""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from strads.engine.errors import WorkerDied
from strads.engine.rounds.serial import Serial
from strads.engine.run.executors import found


class Mortal(Serial):
    """Runs a launch that is to fail, tears what it has written, and reports a death.

    Entries that the phase may write are left as they were, as they became, or, in derived arrays,
    zero, each of them at random.
    """

    mortal = True
    deadly: Collection[int] = ()  # numbers of the launches that fail
    launches = replaced = 0  # of all runs so far
    rng = np.random.default_rng(0)

    def _launch(self, name: str, epochs: int) -> None:
        Mortal.launches += 1
        if Mortal.launches not in Mortal.deadly:
            return super()._launch(name, epochs)
        stage, fields = self.stages[name], self.program.fields()
        written = {
            word: self.store.arrays[word]
            for word in stage.fields
            if fields[word].mutable and word not in stage.frozen
        }
        before = {word: array.copy() for word, array in written.items()}
        super()._launch(name, epochs)
        for word, array in written.items():
            draw = Mortal.rng.random(array.shape)
            array[draw < 0.4] = before[word][draw < 0.4]
            if fields[word].kind != "variable":
                array[draw > 0.8] = 0
        raise WorkerDied("worker 0", 1, signal.SIGKILL).within(name, 0)

    def replace(self, death: WorkerDied) -> None:
        Mortal.replaced += 1
        for name, schedule in self.schedules.items():
            self.rounds[name].begin(schedule, self.world(name))


@contextmanager
def mortality() -> Iterator[type[Mortal]]:
    """Have all runs of the body use this executor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(found, "Serial", Mortal)
        patch.setattr(found, "why_serial", lambda workers, check: "workers are mortal")
        Mortal.launches, Mortal.replaced, Mortal.deadly = 0, 0, ()
        Mortal.rng = np.random.default_rng(0)
        yield Mortal


def launches_of(work: Any) -> int:
    """Return the number of launches that a function makes."""
    with mortality() as executor:
        work()
        return executor.launches
