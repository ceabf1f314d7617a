"""The paper's settings of its two searchers, where they differ from the defaults here.

Source: Bello et al. (2017), section 4.2, and its second version for PPO, as recalled; the flagfiles
`experiments/flagfiles/paper_search*.flags` have the same values. PPO's epochs and clipping range, and TRPO's bound, are
our choice.
"""

from __future__ import annotations

from typing import Any

BATCH_SIZE = 5  # Rules per update.
SETTINGS: dict[str, dict[str, Any]] = {
    "ppo": {"learning_rate": 1e-5, "epochs": 10, "repeats_earn": True},
    "trpo": {"repeats_earn": True},
}
