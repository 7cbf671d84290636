"""Everything that `docs/evidence.md` shows: measured, drawn, and as tables in Markdown."""
