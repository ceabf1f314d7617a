import io

import numpy as np
import pytest
from rich.console import Console

from experiments.rosenbrock import report
from experiments.rosenbrock.comparison import FUNCTIONS, Run, select
from nos_tf.common.statistics import mean_interval
from tests.experiments.rosenbrock.runs import make


@pytest.fixture
def runs() -> list[Run]:
    found = []
    for kind in FUNCTIONS:
        for seed in range(3):
            found += [make("a", kind, 0.1, None, seed), make("a", kind, 0.01, 2.0 + seed, seed)]
            found.append(make("left(g, 1) | b", kind, 0.1, 1.0 if seed else None, seed, 1e-8))
    return found


def results(runs: list[Run]) -> dict:
    chosen = {id(run) for run in select(runs)}
    return {"runs": [run.to_json(id(run) in chosen) for run in runs]}


def test_rows_show_the_best_setting_of_each_optimizer_best_first(runs: list[Run]) -> None:
    rows = report.rows(results(runs))
    # t(0.975, 2) = 4.303, standard error = 1 / sqrt(3).
    a = ("a", "0.01", "-", "3.00e+00 ± 2.5e+00", "1.00e+00 ± 0.0e+00", "0 of 3 / 3 of 6")
    b = ("left(g, 1) | b", "0.1", "1e-8", "1.00e+00 ± 0.0e+00", "1.00e+00 ± 0.0e+00", "1 of 3 / 1 of 3")
    assert rows == [(kind, *line) for kind in FUNCTIONS for line in (b, a)]


def test_markdown_has_one_cell_per_column(runs: list[Run]) -> None:
    lines = report.to_markdown(results(runs)).splitlines()
    assert len(lines) == 2 + 4
    assert "left(g, 1) \\| b" in lines[2]
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(report.COLUMNS) + 1}


def test_console_table_shows_every_row(runs: list[Run]) -> None:
    output = io.StringIO()
    Console(file=output, width=160).print(report.table(results(runs)))
    for row in report.rows(results(runs)):
        assert any(all(cell in line for cell in row) for line in output.getvalue().splitlines())


def test_figure_shows_the_means_of_the_selected_runs(runs: list[Run]) -> None:
    panels = report.figure(select(runs)).axes
    assert len(panels) == 2
    for axes in panels:
        assert axes.get_yscale() == "log"
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == ["a, learning rate 0.01", "left(g, 1) | b, learning rate 0.1, epsilon 1e-8"]
        assert [line.get_ydata()[-1] for line in axes.get_lines()] == [3.0, 1.0]


def test_band_is_the_interval_of_each_iteration() -> None:
    values = np.random.default_rng(0).random((4, 7))
    mean, half_width = report.band(values)
    np.testing.assert_allclose(np.stack([mean, half_width], 1), [mean_interval(column) for column in values.T])
    np.testing.assert_array_equal(report.band(values[:1]), [values[0], np.zeros(7)])
