"""The comparison of GNMT with a network made of Keras' own layers."""

from __future__ import annotations

import json
import math

import joblib
import numpy as np
import pytest

from experiments.gnmt_learning import __main__ as script
from experiments.gnmt_learning import training
from nos_tf.datasets import wmt14
from tests.experiments.in_process import run
from tests.translation.sentences import TEXT

FLAGS = ("--vocabulary=90", "--units=8", "--epochs=2", "--batch_size=4", "--seeds=2")


@pytest.fixture
def few_sentences(monkeypatch):
    monkeypatch.setattr(wmt14, "load", lambda split, data_dir: TEXT)
    monkeypatch.setattr(wmt14, "label", lambda data_dir: "a few sentences")
    monkeypatch.setattr(wmt14, "size", lambda split, data_dir: len(TEXT.source))
    training._data.cache_clear()
    yield
    training._data.cache_clear()


def test_chooses_the_rate_by_the_last_epoch_and_reports_all_seeds(monkeypatch, tmp_path, few_sentences):
    """Uses invented perplexities, which are lower for rates near 0.003, and higher by 1 for the second seed."""
    trained = []

    def train(network, optimizer, learning_rate, seed, flags):
        trained.append((network, learning_rate, seed))
        if learning_rate == 0.03:
            return [[50.0, 60.0], [None, None]]
        last = 10.0 + abs(math.log(learning_rate / 0.003)) + seed + (network == "keras")
        return [[last + 5.0, last + 6.0], [last, 2.0 * last]]

    monkeypatch.setattr(training, "train", train)
    flags = (*FLAGS, f"--run_dir={tmp_path / 'run'}")
    with joblib.parallel_config(backend="threading"):
        assert run(monkeypatch, script, *flags) == 0
        assert len(trained) == 2 * (5 + 1)
        results = json.loads((tmp_path / "run" / "results.json").read_text())
        assert run(monkeypatch, script, *flags, "--resume") == 0
    assert len(trained) == 12
    gnmt, keras = results["networks"]
    assert (gnmt["learning_rate"], keras["learning_rate"]) == (0.003, 0.003)
    assert gnmt["perplexity"] == pytest.approx([15.5, 10.5])
    assert keras["perplexity"] == pytest.approx([16.5, 11.5])
    assert gnmt["growth_by_shuffled_sources"] == pytest.approx(1.0)
    assert "| gnmt | adam | 0.003 | 15.5" in (tmp_path / "run" / "gnmt_learning.md").read_text()


@pytest.mark.parametrize(
    ("flag", "received"),
    [
        ("--networks=lstm", "'lstm'"),
        ("--networks=gnmt:x", "--networks=gnmt:x"),
        ("--networks=keras:0.1", "--networks=keras:0.1"),
        ("--networks=", "none"),
        ("--optimizers=sgd", "'sgd'"),
        ("--seed=5000000000", "--seed=5000000000"),
    ],
)
def test_unknown_networks_and_optimizers_are_refused(monkeypatch, tmp_path, capsys, flag, received):
    assert run(monkeypatch, script, flag, f"--run_dir={tmp_path / 'run'}") == 2
    assert capsys.readouterr().err.strip().endswith(f"Received: {received}")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("network", ["gnmt", "gnmt:0.3", "keras"])
def test_networks_learn_and_the_keras_network_ignores_padding(few_sentences, network):
    values = {"train_split": "", "valid_split": "", "data_dir": None, "vocabulary": 90, "units": 16, "layers": 2}
    first, *_, last = training.train(network, "adam", 0.03, 0, values | {"epochs": 6, "batch_size": 4})
    assert last[0] < 0.7 * first[0] < 90
    if network == "keras":
        model = training.keras_network(90, 8, 2)
        source, target = np.array([[5, 6, 3]]), np.array([[2, 7, 8]])
        padded = np.pad(source, ((0, 0), (0, 4)))
        outputs = [model({"source": one, "target_in": target}).numpy() for one in (source, padded)]
        np.testing.assert_allclose(*outputs, atol=1e-5)
