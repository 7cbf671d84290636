"""Proximal Newton: smooth losses as a sequence of Lassos with weighted rows."""
