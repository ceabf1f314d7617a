"""The translation script, run like a user would, on the user's own text."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from experiments.wmt14_gnmt import __main__ as gnmt
from nos_tf import optimizers
from nos_tf.paper.scale import PAPER_SCALES, obstacles
from nos_tf.training.fit import fit
from nos_tf.training.interruption import Interruption
from nos_tf.training.runtime import Runtime
from tests.experiments import in_process
from tests.experiments.flagfiles import flagfile
from tests.training.fit_test import Silent
from tests.translation.sentences import TEXT

pytestmark = pytest.mark.filterwarnings("ignore::nos_tf.common.errors.DataWarning")  # The small texts cause warnings.
ROOT = Path(__file__).parents[2]
DATA = os.environ.get("TFDS_DATA_DIR", "")
SMALL = ("--vocabulary=150", "--layers=2", "--units=48", "--dropout=0.1", "--batch_size=12", "--optimizers=adam")
TRAINING = "adam-lr0.02-seed0"


def start(*flags: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "experiments.wmt14_gnmt", *flags], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(*flags: str, text: bytes = b"") -> tuple[int, str, str]:
    process = start(*flags)
    out, err = process.communicate(text, timeout=300)
    return process.returncode, out.decode(), err.decode()


def check_refused(flags: tuple[str, ...], *words: str) -> None:
    code, out, err = run(*flags)
    assert code == 2, err
    errors = [line for line in err.splitlines() if not line.startswith("Warning: ")]
    in_process.check_message(out, "\n".join(errors), *words)


@pytest.fixture(scope="module")
def own_text(tmp_path_factory):
    """Flags that use the same text for training, validation and testing."""
    folder = tmp_path_factory.mktemp("text")
    for name, lines in zip(("src", "tgt"), TEXT, strict=True):
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return tuple(f"--{split}_{side}={folder / side}" for split in ("train", "valid", "test") for side in ("src", "tgt"))


VALUES = {
    "data_dir": None, "run_dir": None, "resume": False, "subwords": None, "vocabulary": 150, "max_length": 50,
    "layers": 2, "units": 8, "dropout": 0.0, "init_scale": None, "label_smoothing": 0.1, "epochs": 3, "batch_size": 8,
    "schedule": "constant", "beam_width": 2, "alpha": 0.6, "beta": 0.0, "strategy": "none",
}  # fmt: skip


def own_values(own_text):
    return dict(flag[2:].split("=") for flag in own_text)


def test_hosts_and_their_replicas_share_each_batch(own_text):
    experiment = gnmt._experiment(VALUES | own_values(own_text))

    def targets(batches, count):
        """Returns the sentences of each batch, as sets of ids."""
        return [{tuple(ids[ids > 0]) for ids in np.array(batch[1])} for batch in batches.take(count)]

    (whole,) = targets(experiment.batches(3, 7), 1)
    parts = []
    for index in range(2):
        host = types.SimpleNamespace(num_input_pipelines=2, input_pipeline_id=index, num_replicas_in_sync=4)
        parts += targets(experiment.host_batches(3, 7, host), 2)
    assert [len(part) for part in parts] == [2, 2, 2, 2]
    assert set.union(*parts) == whole


def test_losses_are_shown_for_each_subword(own_text):
    experiment = gnmt._experiment(VALUES | own_values(own_text) | {"label_smoothing": 0.0})
    model = experiment.build_model(0)
    model.compile(loss=experiment.loss(), metrics=list(experiment.metrics()))
    for split, data in experiment.evaluations.items():
        measured = experiment.per_term(model.evaluate(data, verbose=0, return_dict=True), split)
        assert np.exp(measured["loss"]) == pytest.approx(measured["perplexity"], rel=1e-4)
    assert experiment.loss_terms["train"] == pytest.approx(experiment.loss_terms["val"])  # The same text.


@pytest.mark.slow
def test_two_replicas_have_the_loss_curve_of_one(tmp_path, own_text):
    def rows(strategy):
        # In evaluation, batches of 10 would leave 2 of the 12 pairs, and nothing of these for a second replica.
        values = VALUES | own_values(own_text) | {"strategy": strategy, "batch_size": 10, "init_scale": 0.3}
        make = functools.partial(optimizers.get, "powersign", learning_rate=0.1, global_clipnorm=5.0)
        return fit(gnmt._experiment(values), make, 0, Runtime(strategy), tmp_path / strategy, Interruption(), Silent())[
            0
        ]

    one, two = rows("none"), rows("mirrored")
    assert len(tf.config.list_logical_devices("CPU")) == 2
    for row, other in zip(one, two, strict=True):
        assert other == pytest.approx(row, rel=1e-4)


@pytest.mark.parametrize("row", ["adam", "powersign"])
def test_flagfiles_for_the_papers_rows_are_at_its_scale(row):
    values = flagfile(f"wmt14_gnmt_{row}.flags")
    assert values["optimizers"] == row
    # With 32,000 subwords, 95% of WMT 2014's pairs are short enough.
    steps = int(0.95 * 4_508_785) // values["batch_size"] * values["epochs"]
    scale = {**values, "steps": steps, "train_examples": 4_508_785, "test_examples": 3_003}
    (dataset,) = PAPER_SCALES["wmt14_gnmt"].datasets
    assert obstacles("wmt14_gnmt", dataset, scale, values) == ()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, own_text):
    """A run whose model has memorized its sentences, and the output of its training."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    flags = (*SMALL, "--learning_rates=0.02", "--init_scale=0.3", "--epochs=100", "--seeds=1", "--ema_momentum=0.8")
    code, out, err = run(
        *own_text, *flags, f"--run_dir={folder}", "--tensorboard", "--dropout=0", "--label_smoothing=0"
    )
    assert code == 0, err
    return folder, out


@pytest.mark.slow
def test_training_reports_perplexity_and_bleu(trained):
    folder, out = trained
    assert re.search(r"epoch 100/100 .* perplexity 1\.\d+ .* [\d,]+ subwords/s  ETA 0 s", out)
    results = json.loads((folder / "results.json").read_text())
    (training,) = results["runs"]
    for name in ("val_bleu", "test_bleu", "val_ema_bleu", "test_ema_bleu"):
        assert training["metrics"][f"final_{name}"] > 90, name
    assert training["metrics"]["final_perplexity"] < 1.5 < results["scale"]["unigram_perplexity"]
    assert results["scale"]["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    assert results["scale"]["train_examples"] == len(TEXT.source)
    assert results["dataset"] == "src and tgt"


@pytest.mark.slow
def test_tensorboard_shows_sample_translations(trained):
    (path,) = (trained[0] / "trainings" / TRAINING / "tensorboard" / "samples").glob("*.tfevents.*")
    events = [event for event in tf.compat.v1.train.summary_iterator(str(path)) if event.summary.value]
    assert len(events) == 100
    last = events[-1].summary.value[0].tensor.string_val[0].decode()
    assert last.startswith("| source | translation | reference |")
    assert TEXT.target[0] in last


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["last", "averaged"])
def test_evaluate_reports_the_same_numbers_as_training(trained, weights):
    folder, _ = trained
    code, out, err = run("--mode=evaluate", f"--run_dir={folder}", f"--weights={weights}", f"--training={TRAINING}")
    assert code == 0, err
    metrics = json.loads((folder / "results.json").read_text())["runs"][0]["metrics"]
    mark = "" if weights == "last" else "ema_"
    for split in ("val", "test"):
        perplexity, score = re.search(rf"{split}: .* perplexity ([\d.]+), BLEU ([\d.]+)", out).groups()
        assert float(perplexity) == pytest.approx(metrics[f"final_{split}_{mark}perplexity"], rel=1e-4)
        assert float(score) == pytest.approx(metrics[f"final_{split}_{mark}bleu"], abs=1e-4)
    assert "nrefs:1" in out


@pytest.mark.slow
def test_align_draws_the_attention(trained, tmp_path):
    folder, _ = trained
    code, out, err = run("--mode=align", f"--run_dir={folder}", f"--training={TRAINING}")
    assert code == 0, err
    path = folder / "trainings" / TRAINING / "attention.png"
    assert out == f"Attention: {path}\n"
    assert path.read_bytes().startswith(b"\x89PNG")
    for name in ("src", "tgt"):
        (tmp_path / name).write_text("The house is old and green. " * 9)
    own = (f"--valid_src={tmp_path / 'src'}", f"--valid_tgt={tmp_path / 'tgt'}")
    check_refused(("--mode=align", f"--run_dir={folder}", *own), "at most 16 subwords", "--valid_src")


@pytest.mark.slow
def test_translate_writes_one_line_per_line(trained, tmp_path):
    folder, _ = trained
    long = " ".join([TEXT.source[0]] * 600).encode()
    assert len(long) > 10_000
    text = b"\n".join([TEXT.source[1].encode(), b"", long, b"\xff\xfe", TEXT.source[2].encode()])
    code, out, err = run("--mode=translate", f"--run_dir={folder}", "--input=-", "--beam_width=2", text=text)
    assert code == 0, err
    lines = out.splitlines()
    assert len(lines) == 5
    assert [lines[0], lines[1], lines[4]] == [TEXT.target[1], "", TEXT.target[2]]
    assert "Line 3 is long" in err
    assert "Line 4 is not UTF-8" in err
    file = tmp_path / "text"
    file.write_bytes(text)
    assert run("--mode=translate", f"--run_dir={folder}", f"--input={file}", "--beam_width=2")[1] == out


@pytest.mark.slow
def test_translate_answers_before_its_input_ends_and_survives_a_closed_pipe(trained):
    process = start("--mode=translate", f"--run_dir={trained[0]}", "--input=-")
    process.stdin.write(TEXT.source[0].encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline().decode().strip() == TEXT.target[0]
    process.stdout.close()
    process.stdin.write(b"".join(line.encode() + b"\n" for line in TEXT.source))
    process.stdin.close()
    errors = process.stderr.read().decode()
    assert process.wait(60) == 0, errors
    assert "Traceback" not in errors
    process.stderr.close()


@pytest.mark.slow
def test_stopped_run_continues_to_the_same_numbers(tmp_path, own_text):
    flags = (*own_text, *SMALL, "--learning_rates=0.01,0.02", "--epochs=60", "--seeds=1", "--ema_momentum=0.9")

    def numbers(folder: Path) -> list[dict]:
        return [
            {k: v for k, v in one.items() if k != "seconds"}
            for one in json.loads((folder / "results.json").read_text())["runs"]
        ]

    assert run(*flags, f"--run_dir={tmp_path / 'whole'}")[0] == 0
    process = start(*flags, f"--run_dir={tmp_path / 'stopped'}")
    history = tmp_path / "stopped" / "trainings" / "adam-lr0.01-seed0" / "history.csv"
    while not history.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b"--resume to continue" in out
    assert len(history.read_text().splitlines()) < 61
    assert run(*flags, f"--run_dir={tmp_path / 'stopped'}", "--resume")[0] == 0
    assert numbers(tmp_path / "stopped") == numbers(tmp_path / "whole")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--train_src=a", "--train_tgt=b"), ("no --valid_src",)),
        (("--train_src=a",), ("no --train_tgt",)),
        (("--train_src=/none/a", "--train_tgt=b", "--valid_src=a", "--valid_tgt=b"), ("cannot be read", "/none/a")),
        (("--mode=translate", "--input=-"), ("--run_dir",)),
        (("--mode=translate", "--run_dir=/none"), ("--input",)),
        (("--mode=translate", "--run_dir=/none", "--input=-", "--units=5"), ("does not accept --units", "--units=5")),
        (("--mode=evaluate", "--run_dir=/none"), ("holds no config.json", "/none")),
        (("--mode=align", "--run_dir=/none", "--beam_width=2"), ("does not accept --beam_width",)),
        (("--mode=align", "--run_dir=/none", "--test_src=a"), ("does not accept --test_src",)),
        (("--input=-",), ("--mode=train does not accept --input",)),
        (("--data_dir=/none",), ("--data_dir",)),
        (("--source_language=en", "--target_language=es"), ("WMT 2014", "en to es")),
        (("--optimizers=adma",), ("adam", "adma")),
    ],
)
def test_bad_flags_are_one_clear_line(monkeypatch, capfd, tmp_path, own_text, flags, words):
    if flags[0].startswith("--optimizers"):  # Optimizers are looked up after the text is read.
        flags = (*own_text, *SMALL[:-1], *flags)
    if not any(flag.startswith("--mode") for flag in flags):
        flags = (*flags, f"--run_dir={tmp_path / 'run'}")
    in_process.check_refused(monkeypatch, capfd, gnmt, flags, *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_damaged_runs_are_one_clear_line(trained, tmp_path):
    folder, _ = trained
    use = ("--mode=translate", "--input=-")
    check_refused((*use, f"--run_dir={folder}", "--training=other"), TRAINING, "--training=other")
    weights = folder / "trainings" / TRAINING / "averaged.weights.h5"
    content = weights.read_bytes()
    try:
        weights.write_bytes(content[:1000])
        check_refused((*use, f"--run_dir={folder}", "--weights=averaged"), "weights cannot be read", str(weights))
    finally:
        weights.write_bytes(content)
    (tmp_path / "config.json").write_text('{"experiment": "cifar10_convnet", "flags": {}}')
    check_refused((*use, f"--run_dir={tmp_path}"), "no run of this script")


@pytest.mark.slow
@pytest.mark.skipif(not Path(DATA, "wmt14_translate").is_dir(), reason="no prepared WMT14: set TFDS_DATA_DIR")
def test_wmt14_sample_is_labeled_and_is_not_compared_with_the_paper(tmp_path):
    sizes = ("--train_split=train[:60]", "--valid_split=validation[:8]", "--test_split=test[:8]", "--vocabulary=200")
    small = ("--layers=2", "--units=16", "--batch_size=8", "--epochs=1", "--learning_rates=0.01", "--seeds=1")
    code, out, err = run(f"--data_dir={DATA}", f"--run_dir={tmp_path}/run", *sizes, *small)
    assert code == 0, err
    assert "of WMT 2014 en-de" in out
    code, out, err = run("--mode=evaluate", f"--run_dir={tmp_path}/run", f"--data_dir={DATA}", "--test_split=test[:3]")
    assert code == 0, err
    assert "test: 3 sentences" in out
    check_refused(
        (f"--data_dir={DATA}", f"--run_dir={tmp_path}/other", "--train_split=nonsense", *sizes[1:], *small),
        "--train_split=nonsense",
    )
