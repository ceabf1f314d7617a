from types import SimpleNamespace

import numpy as np
import pytest

from nos_tf.common.statistics import mean_interval
from nos_tf.training import figures

COLUMNS = ("loss", "val_accuracy")


def study(count: int, lost: int = 0) -> SimpleNamespace:
    """Creates optimizers with two trainings of three epochs; later ones are better, and the last ones diverged."""
    names = [f"rule{number}" for number in range(count)]

    def histories(name: str) -> list:
        number = names.index(name)
        if number >= count - lost:
            return []
        return [
            [
                {"epoch": epoch, "loss": 3.0 - 0.1 * number, "val_accuracy": 0.3 + 0.02 * number + 0.01 * seed * epoch}
                for epoch in (1, 2, 3)
            ]
            for seed in (0, 1)
        ]

    return SimpleNamespace(
        plan=SimpleNamespace(optimizers=names),
        experiment=SimpleNamespace(dataset="invented points"),
        selected=lambda: dict.fromkeys(names[: count - lost], 0.1),
        histories=histories,
    )


@pytest.mark.parametrize(("count", "lost"), [(1, 0), (8, 0), (10, 2)])
def test_few_optimizers_have_curves(count: int, lost: int) -> None:
    axes = figures.figure(study(count, lost), COLUMNS).axes
    assert len(axes) == 2
    assert len(axes[0].lines) == count - lost


def test_many_optimizers_are_sorted_dots_and_the_best_have_curves() -> None:
    drawn = figures.figure(study(20), COLUMNS)
    axes = drawn.axes
    assert len(axes) == 4
    rows = [label.get_text() for label in axes[0].get_yticklabels()]
    assert rows == [f"rule{number} (lr 0.1)" for number in reversed(range(20))]
    containers = axes[1].containers
    means = [float(container.lines[0].get_xdata()[0]) for container in containers]
    expected = [mean_interval([0.3 + 0.02 * number, 0.33 + 0.02 * number]) for number in reversed(range(20))]
    assert means == pytest.approx([interval.mean for interval in expected])
    (bar,) = containers[0].lines[2]
    left, right = (point[0] for point in bar.get_segments()[0])
    assert (right - left) / 2 == pytest.approx(expected[0].half_width)
    assert len(axes[2].lines) == 6
    assert np.asarray(axes[3].lines[0].get_ydata())[-1] == pytest.approx(expected[0].mean)
