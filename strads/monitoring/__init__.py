"""What a run tells while it goes on, and the folder that keeps it; see ``docs/run-folder.md``."""

from strads.monitoring.events import decode_event, encode_event, event, follow_events, read_events

__all__ = ["decode_event", "encode_event", "event", "follow_events", "read_events"]
