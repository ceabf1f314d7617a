"""How far a number of the paper can be trusted."""

from __future__ import annotations

import enum


class Trust(enum.Enum):
    """A mark that each number carries; the value is the mark's letter."""

    OWN = "A"
    AGREED = "B"
    RECOLLECTED = "C"
    UNMARKED = "?"

    @property
    def words(self) -> str:
        """What stands beside a number with this mark."""
        return _WORDS[self]


_WORDS = {
    Trust.OWN: "the paper's own figure or abstract",
    Trust.AGREED: "agreed by independent re-implementations",
    Trust.RECOLLECTED: "unverified transcription",
    Trust.UNMARKED: "unverified, no source at hand",
}
