"""Lengths of time in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Such as `4 min 10 s`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
