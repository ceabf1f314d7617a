"""Writes docs/gallery.md and its pictures: python -m tools.gallery [measure]

With `measure`, every rule is first tuned and trained on the digits, which takes a minute or two; otherwise the
trainings that are kept are drawn.
"""

from __future__ import annotations

import json
import math
import pathlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nos_tf import run_folder, style
from nos_tf.dsl.numpy_state import NumpyState
from nos_tf.dsl.primitives import noise_streams
from nos_tf.dsl.program import Program, evaluate
from nos_tf.exporters.recipe import recipe
from nos_tf.exporters.subject import NAMES, subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DOCS = pathlib.Path(__file__).parents[1] / "docs"
PAGE, PICTURES = _DOCS / "gallery.md", _DOCS / "images" / "gallery"
_RESULTS = _DOCS / "results" / "gallery" / run_folder.RESULTS
_BASELINE = "rmsprop"  # Whose curve every picture shows.
_TASK = "digits"
_TOTAL_STEPS = 1_000_000  # So many that averages have long forgotten that they began at 0.
_INTRODUCTION = """\
# Gallery

One card for each rule that has a name, made by `python -m tools.gallery`. Left in each picture is the update as a
function of the gradient g and its average m, in the middle of a long training whose gradients have mean square 1,
without noise and with nothing dropped; blue is above zero, red below. Right is its training on the digits (as `measure`
made it: a learning rate tuned by the protocol of the search, one fresh seed, ten epochs, validation data), beside
RMSProp's in gray. One training tells nothing of small differences. Where a rule comes from, and what the paper has for
it, is in [the reference](rules.md).
"""


def page() -> str:
    """The whole page."""
    trainings = json.loads(_RESULTS.read_text("utf-8"))["trainings"]
    return "\n".join([_INTRODUCTION, *(_card(name, trainings[name]) for name in NAMES)])


def _card(name: str, training: Mapping[str, Any]) -> str:
    found = subject(name)
    slots = recipe(found.program).slots
    memory = {0: "Keeps nothing.", 1: "Keeps one number for each weight."}.get(
        len(slots), f"Keeps {len(slots)} numbers for each weight."
    )
    digits = (
        f"On the digits: learning rate {training['learning_rate']:.3g}, likelihood {training['likelihood'][-1]:.3f}."
        if training["likelihood"]
        else "On the digits no learning rate trained it."
    )
    return f"## {name}\n\n`{found.text}`\n\n![{name}](images/gallery/{name}.png)\n\n{memory} {digits}\n"


def update(program: Program, g: np.ndarray, m: np.ndarray) -> np.ndarray:
    """The update in the middle of a long training whose gradients have mean square 1, without noise, nothing dropped.

    Args:
      program: The rule.
      g: Gradients.
      m: Their averages, of the same shape.

    Returns:
      Updates, of the same shape.
    """
    state = NumpyState(
        g=g,
        w=np.ones_like(g),
        averages={"m": m, "v": np.ones_like(g), "gamma": np.zeros_like(g), "m_slow": m},
        step=np.float64(_TOTAL_STEPS / 2),
        total_steps=float(_TOTAL_STEPS),
        normals={stream: np.zeros_like(g) for stream in noise_streams()},
        uniforms=[np.full_like(g, 1.0 - 1e-9)] * len(program.tokens),
    )
    return np.broadcast_to(evaluate(program, state), g.shape)


def picture(name: str, trainings: Mapping[str, Any]) -> Figure:
    """The update and the training of a rule, side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 2.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    grid = np.linspace(-2.0, 2.0, 81)
    values = update(subject(name).program, *np.meshgrid(grid, grid))
    limit = float(np.abs(values).max()) or 1.0
    image = left.imshow(values, cmap="RdBu", vmin=-limit, vmax=limit, origin="lower", extent=(-2, 2, -2, 2))
    left.set(xlabel="g", ylabel="m", xticks=(-2, 0, 2), yticks=(-2, 0, 2))
    figure.colorbar(image, ax=left)
    for each, color in ((_BASELINE, style.LIGHT_GRAY), (name, style.BLUE)):
        likelihood = trainings[each]["likelihood"]
        right.plot(np.arange(1, len(likelihood) + 1), likelihood, color=color)
    right.set(xlabel="epoch", ylabel="likelihood", xticks=(1, 4, 7, 10), ylim=(0.6, 1.0))
    right.grid(visible=True, color=style.LIGHT_GRAY, linewidth=0.4)
    return figure


def measure() -> dict[str, Any]:
    """Tunes and trains every rule."""
    from nos_tf.tensorflow_loading import load_single_threaded

    load_single_threaded()
    from nos_tf import tasks
    from nos_tf.evaluation import Evaluator

    evaluator = Evaluator(tasks.get(_TASK))
    trainings = {}
    for name in NAMES:
        program = subject(name).program
        rate = evaluator.evaluate(program, seed=0).learning_rate
        long = None if rate is None else evaluator.train(program, rate, seed=1, long=True)
        likelihood = [] if long is None else [round(math.exp(epoch.log_likelihood), 4) for epoch in long.history]
        trainings[name] = {"learning_rate": rate, "likelihood": likelihood}
        print(name, rate, likelihood[-1:], flush=True)
    return {"experiment": "gallery", "dataset": tasks.get(_TASK).describe_data(None), "trainings": trainings}


def main() -> None:
    """Writes the page and the pictures."""
    if sys.argv[1:] == ["measure"]:
        _RESULTS.parent.mkdir(parents=True, exist_ok=True)
        run_folder.write_json(_RESULTS, measure())
    trainings = json.loads(_RESULTS.read_text("utf-8"))["trainings"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        picture(name, trainings).savefig(PICTURES / f"{name}.png", dpi=80)
    PAGE.write_text(page(), "utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
