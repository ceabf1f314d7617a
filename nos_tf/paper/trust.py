"""How far the paper's numbers, as recorded here, can be trusted."""

from __future__ import annotations

import enum


class Trust(enum.Enum):
    """Mark of a number; the value is the letter shown."""

    OWN = "A"
    AGREED = "B"
    RECOLLECTED = "C"
    UNMARKED = "?"

    @property
    def words(self) -> str:
        """Explanation shown next to numbers with this mark."""
        return _WORDS[self]


_WORDS = {
    Trust.OWN: "the paper's own figure or abstract",
    Trust.AGREED: "agreed by independent re-implementations",
    Trust.RECOLLECTED: "unverified transcription",
    Trust.UNMARKED: "unverified, no source at hand",
}
