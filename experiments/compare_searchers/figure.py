"""Figure of regret by budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from nos_tf.common import style
from nos_tf.common.statistics import mean_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(regrets: Mapping[str, np.ndarray], at: np.ndarray, trials: int) -> Figure:
    """Plots the mean regret of each searcher with 95% bands.

    Args:
      regrets: Regrets by searcher, of shape `[seeds, checkpoints]`.
      at: Number of evaluated rules at each checkpoint.
      trials: Number of rules up to which searchers other than random search are shown.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.subplots()
    for place, (name, values) in enumerate(regrets.items()):
        color, dash = style.curve(place)
        shown = at <= (at[-1] if name == "random" else trials)
        intervals = [mean_interval(column.tolist()) for column in values.T[shown]]
        mean = np.array([one.mean for one in intervals])
        half_width = np.array([one.half_width for one in intervals], float)
        axes.fill_between(at[shown], mean - half_width, mean + half_width, color=color, alpha=0.2, linewidth=0)
        axes.plot(at[shown], mean, color=color, label=name, linestyle="--" if name == "random" else dash)
    axes.set(xscale="log", yscale="log", xlabel="distinct rules evaluated", ylabel="regret of the selected rule")
    axes.grid(visible=True, color=style.LIGHT_GRAY, linewidth=0.5)
    axes.legend(frameon=False)
    return figure
