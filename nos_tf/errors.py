"""The one exception that a user is meant to read."""

from __future__ import annotations


class RunError(Exception):
    """What the user asked for cannot be done; the message is one line that says why and what to do."""
