"""The CIFAR-10 scripts on real data, at a size that only shows that they work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import cifar10

ROOT = Path(__file__).parents[2]
DATA = os.environ.get("TFDS_DATA_DIR")
SMALL = ("--train_examples=40", "--eval_examples=20", "--batch_size=20", "--epochs=1", "--optimizers=powersign-cd")
SMALL += ("--learning_rates=0.01", "--seeds=1")


def run(script: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"experiments.{script}", *flags],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_tensorflow_addons_adds_baselines_if_it_is_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_addons", None)
    of_the_paper = ("sgd", "momentum", "rmsprop", "adam", "powersign", "addsign")
    assert cifar10.optimizers() == of_the_paper
    monkeypatch.delitem(sys.modules, "tensorflow_addons")
    (tmp_path / "tensorflow_addons.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert cifar10.optimizers()[: len(of_the_paper)] == of_the_paper
    assert {"addons/lamb", "addons/sgdw", "addons/lookahead"} <= set(cifar10.optimizers())


@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="TFDS_DATA_DIR names no prepared folder")
@pytest.mark.parametrize(
    ("script", "flags", "model"),
    [
        ("cifar10_convnet", ("--schedule=cosine", "--warmup_steps=1"), "ConvNet-32"),
        ("cifar10_wide_resnet", ("--depth=10", "--width=1", "--dropout=0.1", "--clip_norm=1"), "WRN-10-1"),
    ],
)
def test_trains_on_real_images_and_says_that_it_is_a_sample(tmp_path, script, flags, model):
    finished = run(script, *SMALL, *flags, f"--run_dir={tmp_path}/run")
    assert finished.returncode == 0, finished.stderr
    assert all(line.startswith("Warning: ") for line in finished.stderr.splitlines()), finished.stderr
    results = json.loads((tmp_path / "run/results.json").read_text())
    assert results["experiment"] == script
    assert "a sample of 40 / 20 / 20 images" in results["dataset"]
    assert results["scale"]["model"] == model
    assert results["scale"]["train_examples"] == 40
    (training,) = results["runs"]
    assert {"final_val_accuracy", "final_test_accuracy", "best_val_accuracy", "best_test_accuracy"} <= set(
        training["metrics"]
    )
    assert "a sample of 40" in (tmp_path / "run/results.md").read_text()
    assert (tmp_path / "run/curves.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--data_dir=/nowhere",), ("/nowhere", "--data_dir")),
        (("--depth=11",), ("6n + 4", "--depth=11")),
    ],
)
def test_impossible_requests_are_refused_in_one_line(tmp_path, flags, words):
    finished = run("cifar10_wide_resnet", *flags, f"--run_dir={tmp_path}/run")
    assert finished.returncode == 2
    assert len(finished.stderr.strip().splitlines()) == 1, finished.stderr
    for word in words:
        assert word in finished.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="TFDS_DATA_DIR names no prepared folder")
def test_batch_larger_than_the_data_is_refused(tmp_path):
    finished = run("cifar10_convnet", *SMALL, "--batch_size=41", f"--run_dir={tmp_path}/run")
    assert finished.returncode == 2
    assert "40 training examples" in finished.stderr
    assert "--batch_size=41" in finished.stderr
