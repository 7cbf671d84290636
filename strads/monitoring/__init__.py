"""What a run tells while it goes on, and the folder that keeps it; see ``docs/run-folder.md``."""
