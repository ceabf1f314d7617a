"""The comparison of discoveries with known results, against hand-computed numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.stats

from experiments import compare_discoveries as script
from tests.experiments.in_process import run

SEEDS = range(6)


@pytest.fixture
def discovery(tmp_path):
    """Writes the results of a discovery, given the score of each finalist for each seed."""

    def write(name, tasks, scores, baseline=1.0, better=0, seeds=SEEDS):
        rules = [
            {"name": None, "score": float(np.mean(row)), "verdict": "better" if place < better else "undecided",
             "seed_scores": {str(seed): float(score) for seed, score in zip(seeds, row, strict=True)}}
            for place, row in enumerate(scores)
        ]  # fmt: skip
        for label, score in (("Adam", baseline), ("SGD", baseline - 0.2)):
            seed_scores = {str(seed): score for seed in seeds}
            rules.append({"name": label, "score": score, "verdict": None, "seed_scores": seed_scores})
        (tmp_path / name).mkdir()
        content = {"experiment": "discover", "procedure": {"search_tasks": tasks}, "rules": rules}
        (tmp_path / name / "results.json").write_text(json.dumps(content))
        return f"--discovery={tmp_path / name}"

    return write


def test_all_finalists_count_and_runs_are_paired_by_seed(monkeypatch, tmp_path, discovery):
    rng = np.random.default_rng(0)
    one, two, four = (rng.normal(mean, 0.05, (3, 6)) for mean in (0.9, 0.95, 1.05))
    folders = [discovery("b", ["x", "y"], two), discovery("a", ["x"], one), discovery("c", list("xyzw"), four, 1.0, 2)]
    assert run(monkeypatch, script, *folders, f"--run_dir={tmp_path / 'out'}") == 0
    found = json.loads((tmp_path / "out" / "results.json").read_text())["discoveries"]
    assert [one["search_tasks"] for one in found] == [["x"], ["x", "y"], list("xyzw")]
    assert [entry["score"] for entry in found] == pytest.approx([part.mean() for part in (one, two, four)])
    assert [entry["better"] for entry in found] == [0, 0, 2]
    p = [scipy.stats.ttest_rel(other.mean(axis=0), one.mean(axis=0)).pvalue for other in (two, four)]
    smaller, larger = sorted(p)
    assert sorted(entry["p"] for entry in found[1:]) == pytest.approx([2 * smaller, max(2 * smaller, larger)])
    assert found[2]["difference"] == pytest.approx((four - one).mean())
    table = (tmp_path / "out" / "discoveries.md").read_text()
    assert len(table.splitlines()) == 2 + 3
    assert (tmp_path / "out" / "discoveries.png").stat().st_size > 1000


def test_errors_say_what_was_received(monkeypatch, tmp_path, discovery, capsys):
    good, empty = discovery("good", ["x"], np.ones((1, 6))), discovery("empty", ["x"], [])
    elsewhere = discovery("elsewhere", ["x"], np.ones((1, 6)), seeds=range(6, 12))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "results.json").write_text('{"experiment": "search"}')
    other = f"--discovery={tmp_path / 'other'}"
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "results.json").write_text('{"experiment": "discover"}')
    damaged = f"--discovery={tmp_path / 'damaged'}"
    for flags, words in (
        ((good,), "Received: 1 times --discovery"),
        ((good, other), "Not the run folder of a discovery"),
        ((good, empty), "had no finalist"),
        ((good, damaged), "The results of the run are damaged (KeyError('rules'))"),
        ((good, elsewhere), "judged from different seeds"),
    ):
        assert run(monkeypatch, script, *flags, f"--run_dir={tmp_path / 'out'}") == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
