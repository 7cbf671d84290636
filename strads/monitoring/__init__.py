"""What a run tells while it goes on, and the folder that keeps it; see ``docs/run-folder.md``."""

from strads.monitoring.budget import USED_UP, TimeBudget
from strads.monitoring.display import LiveDisplay
from strads.monitoring.events import decode_event, encode_event, event, follow_events, read_events
from strads.monitoring.folder.event_file import Thinning
from strads.monitoring.folder.machine import machine, peak_memory, versions
from strads.monitoring.folder.run_folder import FILES, RECORD, RunFolder, free_folder
from strads.monitoring.live.progress import Progress
from strads.monitoring.observer import Follower, Observer
from strads.monitoring.watch import Watch

__all__ = [
    "FILES",
    "RECORD",
    "USED_UP",
    "Follower",
    "LiveDisplay",
    "Observer",
    "Progress",
    "RunFolder",
    "Thinning",
    "TimeBudget",
    "Watch",
    "decode_event",
    "encode_event",
    "event",
    "follow_events",
    "free_folder",
    "machine",
    "peak_memory",
    "read_events",
    "versions",
]
