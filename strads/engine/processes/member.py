"""Members of a team: what the leader knows of a worker or of the scheduler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.memory.pool import Pool
from strads.engine.processes.messages import Channel
from strads.engine.processes.nursery.nursery import Child


class Member:
    """A worker or scheduler, as the leader knows it.

    Parameters
    ----------
    child : Child
        The process.

    Attributes
    ----------
    channel : Channel
        The leader's end of the socket to the process.
    mapped : set of int
        Numbers of the segments that the process has mapped, as its answers have confirmed.
    loaded : set of str
        Keys of the kernels that the process has loaded, as its answers have confirmed.
    """

    def __init__(self, child: Child) -> None:
        self.child = child
        self.name, self.pid = child.name, child.pid
        self.channel = Channel(child.socket)
        self.mapped: set[int] = set()
        self.loaded: set[str] = set()

    def request(self, *message: Any, keys: Sequence[str] = ()) -> Request:
        """Return a request to this member that hands over no segments.

        Parameters
        ----------
        *message
            What is sent.
        keys : sequence of str
            Keys of the kernels whose payloads are in the message.
        """
        return Request(self, message, loaded=frozenset(keys))

    def payloads(
        self, kernels: Mapping[str, CompiledKernel]
    ) -> dict[str, tuple[str, bytes | None]]:
        """Return (key, payload) by name; the payload of a loaded kernel is None."""
        return {
            name: (kernel.key, None if kernel.key in self.loaded else kernel.payload)
            for name, kernel in kernels.items()
        }

    def handing_over(
        self, kind: str, spec: Mapping[str, Any], numbers: Sequence[int], pool: Pool,
        keys: Sequence[str] = (),
    ) -> Request:  # fmt: skip
        """Return a request that also sends the segments that this member has not mapped yet.

        Parameters
        ----------
        kind : str
            The first word of the message.
        spec : mapping
            The content of the message.
        numbers : sequence of int
            Numbers of the segments that the process will need.
        pool : Pool
            Holds the segments.
        keys : sequence of str
            Keys of the kernels whose payloads are in `spec`.
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
    """One message to one member.

    Attributes
    ----------
    member : Member
        Who receives it.
    message : tuple
        What is sent.
    descriptors : sequence of int
        File descriptors that are sent with the message.
    mapped, loaded : frozenset
        Segments that the process has mapped, and kernels that it has loaded, when it answers.
    """

    member: Member
    message: tuple[Any, ...]
    descriptors: Sequence[int] = ()
    mapped: frozenset[int] = frozenset()
    loaded: frozenset[str] = frozenset()

    def done(self) -> None:
        """Note, after an answer without error, what the process has mapped and loaded."""
        self.member.mapped |= self.mapped
        self.member.loaded |= self.loaded
