"""The smallest program of the trials."""

from strads import Program, RoundRobin, kernel, variable


class Counting(Program):
    """Adds one to every id."""

    x = variable("ids")
    schedule = RoundRobin("ids", lease=4)

    @kernel
    def push(block, x):
        for j in block:
            x[j] += 1.0
