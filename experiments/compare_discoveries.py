"""Does searching on more tasks help?

    python -m experiments.compare_discoveries --discovery=runs/one_task --discovery=runs/two_tasks

Reads finished runs of `experiments.discover` that searched on different numbers of tasks with equal budgets, and
compares how their finalists do on the held-out tasks. All finalists of a run count alike: its best one would be better
the more of them there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from nos_tf.cli import application, path_flags, shared_flags
from nos_tf.common import run_folder, style
from nos_tf.common.errors import RunError
from nos_tf.common.leaderboard import BETTER
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.statistics import holm, mean_interval, paired_difference
from nos_tf.common.text import markdown_table, p_value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "compare_discoveries"
TABLE, FIGURE = "discoveries.md", "discoveries.png"
_HEADER = ("searched on", "finalists", "mean score of the finalists", "difference to the fewest tasks", "p", "better")


class Discovery(NamedTuple):
    """A run of the funnel.

    Attributes:
      tasks: What it searched on.
      seeds: Seeds of the test, sorted.
      scores: Scores of its finalists on the held-out tasks, `[finalists, seeds]`.
      baseline: Score of the best tuned baseline, `[seeds]`.
      better: Number of finalists that are better than every baseline.
    """

    tasks: list[str]
    seeds: tuple[int, ...]
    scores: np.ndarray
    baseline: np.ndarray
    better: int

    @property
    def mean(self) -> np.ndarray:
        """Mean score of the finalists, `[seeds]`."""
        return self.scores.mean(axis=0)


def main() -> NoReturn:
    """Compares the runs and exits."""
    shared_flags.define(NAME)
    path_flags.define_multi("discovery", "Run folder of a finished discovery; give two or more.")
    application.run(_main, "Interrupted; the comparison was not written.")


def _main() -> None:
    values = shared_flags.values()
    if len(values["discovery"]) < 2:
        raise RunError(f"Name two run folders or more. Received: {len(values['discovery'])} times --discovery")
    found = sorted((load(Path(folder)) for folder in values["discovery"]), key=lambda one: len(one.tasks))
    if len({one.seeds for one in found}) > 1:
        raise RunError(f"The runs were judged from different seeds. Received: --discovery={values['discovery']}")
    with RunFolder(shared_flags.run_dir(NAME), resume=values["resume"]) as folder:
        folder.begin(NAME, values, shared_flags.WITHOUT_NUMBERS)
        results = compare(found)
        run_folder.write_json(folder / run_folder.RESULTS, {"experiment": NAME, "discoveries": results})
        text = markdown_table(_HEADER, [_row(one) for one in results])
        run_folder.write_text(folder / TABLE, text)
        with run_folder.replacing(folder / FIGURE) as path:
            draw(found).savefig(path)
        style.console().print(text, markup=False, highlight=False, soft_wrap=True)
        print(f"Run folder: {folder.path}")


def load(folder: Path) -> Discovery:
    """A finished run.

    Raises:
      RunError: It is none, its results are damaged, or it had no finalist.
    """
    results = run_folder.read_json(folder / run_folder.RESULTS)
    if results.get("experiment") != "discover":
        raise RunError(f"Not the run folder of a discovery. Received: --discovery={folder}")
    try:
        return _discovery(folder, results)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"The results of the run are damaged ({error!r}). Received: --discovery={folder}") from None


def _discovery(folder: Path, results: dict[str, Any]) -> Discovery:
    rules = [one for one in results["rules"] if one["name"] is None]
    if not rules:
        raise RunError(f"This discovery had no finalist to compare. Received: --discovery={folder}")
    baseline = max((one for one in results["rules"] if one["name"] is not None), key=lambda one: one["score"])
    seeds = sorted(baseline["seed_scores"], key=int)
    return Discovery(
        results["procedure"]["search_tasks"],
        tuple(map(int, seeds)),
        np.array([[one["seed_scores"][seed] for seed in seeds] for one in rules]),
        np.array([baseline["seed_scores"][seed] for seed in seeds]),
        sum(one["verdict"] == BETTER for one in rules),
    )


def compare(found: Sequence[Discovery]) -> list[dict[str, Any]]:
    """Figures of each run, paired over seeds with the first; p-values are Holm-corrected."""
    pairs = [paired_difference(one.mean.tolist(), found[0].mean.tolist()) for one in found[1:]]
    corrected = holm([pair.p for pair in pairs])
    differences: list[dict[str, Any]] = [
        {"difference": pair.mean, "difference_half_width": pair.half_width, "p": p}
        for pair, p in zip(pairs, corrected, strict=True)
    ]
    entries = []
    for one, difference in zip(found, [{}, *differences], strict=True):
        mean, half_width = mean_interval(one.mean.tolist())
        entries.append(
            {
                "search_tasks": one.tasks,
                "finalists": len(one.scores),
                "score": mean,
                "half_width": half_width,
                "best_baseline": float(one.baseline.mean()),
                "better": one.better,
                **difference,
            }
        )
    return entries


def _row(one: dict[str, Any]) -> list[str]:
    cells = [", ".join(one["search_tasks"]), str(one["finalists"]), f"{one['score']:.3f} ± {one['half_width']:.3f}"]
    if "p" not in one:
        return [*cells, "", "", str(one["better"])]
    difference = f"{one['difference']:+.3f} ± {one['difference_half_width']:.3f}"
    return [*cells, difference, p_value(one["p"]), str(one["better"])]


def draw(found: Sequence[Discovery]) -> Figure:
    """Score of every finalist, and their mean with its interval, by the number of tasks that were searched on."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained", dpi=150)
    axes = figure.subplots()
    for place, one in enumerate(found):
        axes.plot([place] * len(one.scores), one.scores.mean(axis=1), "_", color=style.SKY, ms=14)
        mean, half_width = mean_interval(one.mean.tolist())
        axes.errorbar(place, mean, yerr=half_width, fmt="o", color=style.BLUE, capsize=3)
    axes.axhline(float(np.mean([one.baseline.mean() for one in found])), color=style.GRAY, linestyle="--")
    axes.set_xticks(range(len(found)), [str(len(one.tasks)) for one in found])
    axes.set(xlabel="tasks searched on", ylabel="score on the held-out tasks (dashed: best tuned baseline)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main()
