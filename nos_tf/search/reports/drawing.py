"""Helpers shared by the figures of a report."""

from __future__ import annotations

import base64
import io
import textwrap

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from nos_tf.common import style
from nos_tf.search.trial import RANDOM

WIDTH = 7.2  # Inches; the page scales figures to its columns.


def data_uri(figure: Figure) -> str:
    """The figure as a data URI for embedding in HTML."""
    content = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(content.getvalue()).decode()


def figure_of(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height), layout="constrained", dpi=100)


def finish(axes: Axes, x_label: str, y_label: str, legend: bool = True) -> None:
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#E4E4E4", lw=0.8)
    axes.set_axisbelow(True)
    if legend and axes.get_legend_handles_labels()[0]:
        # Above the axes, where it covers no data.
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8, frameon=False, borderaxespad=0.2)


def source_color(source: str) -> str:
    return style.GRAY if source == RANDOM else style.BLUE


def short(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder="...") if len(text) > width else text
