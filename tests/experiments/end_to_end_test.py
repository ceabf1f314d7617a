"""Each training script from its flags to its results, at toy size and on generated data."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.datasets import fake_imagenet, fake_prepared
from tests.translation.sentences import TEXT

ROOT = Path(__file__).parents[2]
SHORT = ("--learning_rates=0.01", "--epochs=1", "--seeds=1")


def cifar10(folder: Path) -> tuple[str, ...]:
    """Writes squares with one color per class; 5,000 of the training images are held out."""
    colors = np.random.default_rng(0).integers(0, 256, (10, 1, 1, 3), dtype=np.uint8)
    squares = [fake_prepared.encoded(color.repeat(32, 0).repeat(32, 1), image_format="PNG") for color in colors]

    def records(split: str, count: int) -> list[dict[str, bytes | int]]:
        return [
            {"id": f"{split}_{number:05d}".encode(), "image": squares[number % 10], "label": number % 10}
            for number in range(count)
        ]

    features = {
        "id": fake_prepared.TEXT,
        "image": fake_prepared.image("png", "32", "32"),
        "label": fake_prepared.label(10),
    }
    splits = {"train": [records("train", 5_020)], "test": [records("test", 10)]}
    fake_prepared.write(folder, "cifar10", "3.0.2", features, splits)
    return f"--data_dir={folder}", "--eval_examples=10", "--batch_size=10", "--optimizers=powersign"


def imagenet(folder: Path) -> tuple[str, ...]:
    fake_imagenet.small(folder)
    return (
        f"--data_dir={folder}", "--model=mobilenet_v3_small", "--image_size=32", "--width=0.35", "--batch_size=8",
        "--optimizers=powersign-cd",
    )  # fmt: skip


def sentences(folder: Path) -> tuple[str, ...]:
    folder.mkdir()
    for name, lines in zip(("src", "tgt"), TEXT, strict=True):
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    texts = (f"--{split}_{side}={folder / side}" for split in ("train", "valid", "test") for side in ("src", "tgt"))
    return *texts, "--vocabulary=150", "--layers=2", "--units=8", "--batch_size=12", "--optimizers=powersign"


@pytest.mark.parametrize(
    ("script", "data", "flags", "metrics"),
    [
        ("cifar10_convnet", cifar10, (), ("final_val_accuracy", "final_test_accuracy")),
        ("cifar10_wide_resnet", cifar10, ("--depth=10", "--width=1"), ("final_val_accuracy", "final_test_accuracy")),
        ("imagenet_mobile", imagenet, (), ("final_test_top1", "final_test_top5")),
        ("wmt14_gnmt", sentences, (), ("final_val_perplexity", "final_val_bleu", "final_test_bleu")),
    ],
)
def test_script_trains_and_writes_its_results(script, data, flags, metrics, tmp_path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", f"experiments.{script}", *SHORT, *data(tmp_path / "data"), *flags]
    done = subprocess.run([*command, f"--run_dir={run}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Run folder" in done.stdout
    results = json.loads((run / "results.json").read_text())
    assert results["experiment"] == script
    (training,) = results["runs"]
    assert training["status"] == "ok"
    assert all(math.isfinite(training["metrics"][name]) for name in metrics)
    assert {"config.json", "results.md", "curves.png", "trainings"} <= {path.name for path in run.iterdir()}
