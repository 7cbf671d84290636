"""What a run tells while it goes on, and the folder that keeps it; see ``docs/run-folder.md``."""

from strads.monitoring.events import decode_event, encode_event, event, follow_events, read_events
from strads.monitoring.live.display import LiveDisplay
from strads.monitoring.live.progress import Progress

__all__ = [
    "LiveDisplay",
    "Progress",
    "decode_event",
    "encode_event",
    "event",
    "follow_events",
    "read_events",
]
