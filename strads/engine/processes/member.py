"""A worker or scheduler process as the leader knows it: what it has mapped and loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.memory.pool import Pool
from strads.engine.processes.messages import Channel
from strads.engine.processes.nursery import Child


class Member:
    """A process of a team.

    Parameters
    ----------
    child : Child

    Attributes
    ----------
    channel : Channel
    mapped : set of int
        Segments that it is known to have mapped: it has said so.
    loaded : set of str
        Keys of the kernels that it is known to have loaded.
    """

    def __init__(self, child: Child) -> None:
        self.child = child
        self.name, self.pid = child.name, child.pid
        self.channel = Channel(child.socket)
        self.mapped: set[int] = set()
        self.loaded: set[str] = set()

    def request(self, *message: Any) -> Request:
        """Return a request that hands nothing over."""
        return Request(self, message)

    def payloads(
        self, kernels: Mapping[str, CompiledKernel]
    ) -> dict[str, tuple[str, bytes | None]]:
        """Return (key, payload) by name, without the payload of what it has loaded."""
        return {
            name: (kernel.key, None if kernel.key in self.loaded else kernel.payload)
            for name, kernel in kernels.items()
        }

    def handing_over(
        self, kind: str, spec: Mapping[str, Any], numbers: Sequence[int], pool: Pool,
        keys: Sequence[str] = (),
    ) -> Request:  # fmt: skip
        """Return a request with the segments that it has not mapped yet.

        Parameters
        ----------
        kind : str
        spec : mapping
            Of the message.
        numbers : sequence of int
            Segments that it will need.
        pool : Pool
            That has them.
        keys : sequence of str
            Kernels whose payloads the message holds.
        """
        described, descriptors = [], []
        new = [number for number in numbers if number not in self.mapped]
        for number in new:
            segment = pool.segments[number]
            own = segment.descriptors()
            described.append((number, segment.handle, segment.nbytes, len(own)))
            descriptors += own
        message = (kind, {**spec, "segments": described})
        return Request(self, message, descriptors, frozenset(new), frozenset(keys))


class Request(NamedTuple):
    """One message to one process.

    Attributes
    ----------
    member : Member
    message : tuple
    descriptors : sequence of int
        Sent along.
    mapped, loaded : frozenset
        What the process will have mapped and loaded once it has answered, and not before.
    """

    member: Member
    message: tuple[Any, ...]
    descriptors: Sequence[int] = ()
    mapped: frozenset[int] = frozenset()
    loaded: frozenset[str] = frozenset()

    def done(self) -> None:
        """Note what the process has, after its answer."""
        self.member.mapped |= self.mapped
        self.member.loaded |= self.loaded
