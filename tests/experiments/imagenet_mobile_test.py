"""The ImageNet script: how it interprets its flags, and how it behaves when a user runs it."""

import functools
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf

from experiments import imagenet_mobile as imagenet
from nos_tf import optimizers
from nos_tf.paper.scale import obstacles
from nos_tf.training.fit import fit
from nos_tf.training.interruption import Interruption
from nos_tf.training.runtime import Runtime
from tests.datasets import fake_imagenet
from tests.experiments import in_process
from tests.experiments.flagfiles import flagfile
from tests.training.fit_test import Silent

pytestmark = pytest.mark.filterwarnings("ignore::nos_tf.common.errors.DataWarning")  # Most classes are missing.
ROOT = Path(__file__).parents[2]
SMALL = {
    "model": "mobilenet_v3_small", "width": 1.0, "image_size": 32, "epochs": 2, "batch_size": 8, "schedule": "cosine",
    "val_examples": 0, "augment": True, "label_smoothing": 0.1, "dropout": 0.0, "auxiliary_weight": None,
    "weight_decay": 1e-3, "batch_norm_momentum": 0.9, "strategy": "none",
}  # fmt: skip


@pytest.mark.parametrize("row", ["rmsprop", "powersign_cd", "addsign_rd10"])
def test_flagfiles_for_the_papers_rows_are_at_its_scale(tmp_path, row):
    folder = fake_imagenet.small(tmp_path)
    (path,) = folder.rglob("dataset_info.json")
    info = json.loads(path.read_text())
    for split, count in zip(info["splits"], (1_281_167, 50_000), strict=True):
        others = len(split["shardLengths"]) - 1
        split["shardLengths"] = [str(count - others), *["1"] * others]
        split["numBytes"] = str(110_000 * count)
    path.write_text(json.dumps(info))
    values = SMALL | {"batch_norm_momentum": None, "data_dir": str(folder)}
    values |= flagfile(f"imagenet_mobile_{row}.flags")
    experiment = imagenet._experiment(values)
    assert obstacles(experiment.name, experiment.dataset, experiment.scale, values) == ()
    assert experiment.total_steps == 247_728
    assert experiment.objective == "val_top1"
    assert values["optimizers"] in optimizers.names()


def test_laptop_flagfile_is_never_at_the_paper_s_scale(tmp_path):
    values = SMALL | {"data_dir": str(fake_imagenet.small(tmp_path, (60,)))} | flagfile("imagenet_mobile_laptop.flags")
    experiment = imagenet._experiment(values)
    found = obstacles(experiment.name, experiment.dataset, experiment.scale, values)
    assert "model MobileNetV3-small instead of NASNet-A mobile" in found
    assert any("a sample of ImageNet" in obstacle for obstacle in found)
    assert experiment.objective == "loss"
    assert not experiment.maximize


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """33 training and 10 test images; of a last batch of 2, a second replica would get nothing."""
    return fake_imagenet.small(tmp_path_factory.mktemp("data"), (20, 13), test=10)


@pytest.mark.slow
def test_two_replicas_have_the_loss_curve_of_one(tmp_path, folder):
    # MobileNetV2 is unsuitable: with 32 pixels, changing its inputs by 1e-6 changes the second step's loss by 0.03.
    make = functools.partial(optimizers.get, "rmsprop-nasnet", learning_rate=0.01)

    def rows(strategy):
        experiment = imagenet._experiment(SMALL | {"data_dir": str(folder), "strategy": strategy})
        return fit(experiment, make, 0, Runtime(strategy), tmp_path / strategy, Interruption(), Silent())[0]

    one, two = rows("none"), rows("mirrored")
    assert tf.config.list_logical_devices("CPU")[1:]
    for row, other in zip(one, two, strict=True):
        assert all(math.isfinite(value) for value in other.values())
        assert other == pytest.approx(row, rel=1e-4)


COMMON = (
    "--model=mobilenet_v2", "--width=0.1", "--image_size=32", "--epochs=3", "--batch_size=4",
    "--optimizers=powersign-cd",
    "--learning_rates=0.01", "--dropout=0.2", "--ema_momentum=0.9", "--clip_norm=10", "--warmup_steps=2",
)  # fmt: skip


def start(*flags):
    return subprocess.Popen(
        [sys.executable, "-m", "experiments.imagenet_mobile", *COMMON, *flags], cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(*flags):
    process = start(*flags)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--data_dir=/nowhere",), ("--data_dir", "/nowhere")),
        (("--batch_size=34",), ("33 training examples", "--batch_size=34")),
        (("--model=nasnet_mobile", "--width=1"), ("80 pixels", "image_size=32")),
        (("--val_examples=33",), ("33 in the training set",)),
        (("--auxiliary_weight=0.4",), ("MobileNetV2 has no auxiliary head",)),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(monkeypatch, capfd, tmp_path, folder, flags, words):
    flags = (f"--data_dir={folder}", f"--run_dir={tmp_path}/run", *COMMON, *flags)
    in_process.check_refused(monkeypatch, capfd, imagenet, flags, *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_damaged_image_is_one_line(tmp_path):
    records = [
        [(fake_imagenet.photograph(label), label) for label in range(7)] + [(fake_imagenet.photograph(7)[:500], 7)]
    ]
    data = fake_imagenet.write(tmp_path / "data", {"train": records, "validation": records})
    code, _, err = run(f"--data_dir={data}", f"--run_dir={tmp_path}/run")
    assert code == 2, err
    *libjpeg, last = err.strip().splitlines()  # libjpeg may print its own message.
    assert "cannot be decoded" in last
    assert not any("Traceback" in line or "Received" in line for line in libjpeg)


def numbers(run_dir):
    results = json.loads((run_dir / "results.json").read_text())
    for one in results["runs"]:
        del one["seconds"]
    return results, [path.read_text() for path in sorted(run_dir.glob("trainings/*/history.csv"))]


@pytest.mark.slow
def test_terminated_within_an_epoch_and_resumed_ends_with_the_same_numbers(tmp_path, folder):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    code, out, err = run(f"--data_dir={folder}", f"--run_dir={whole}")
    assert code == 0, err
    assert "a sample of ImageNet: 33 images to train, 10 to test" in out
    results = json.loads((whole / "results.json").read_text())
    assert {"final_test_top1", "final_test_top5", "final_test_ema_top1"} <= set(results["runs"][0]["metrics"])
    assert results["scale"]["model"] == "MobileNetV2 0.1"

    process = start(f"--data_dir={folder}", f"--run_dir={parts}")
    # Waits for the end of the first epoch.
    while not list(parts.glob("trainings/*/history.csv")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "--resume" in out
    assert run(f"--data_dir={folder}", f"--run_dir={parts}", "--resume")[0] == 0
    assert numbers(parts) == numbers(whole)
