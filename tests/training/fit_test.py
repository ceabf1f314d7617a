import numpy as np
import pytest
import tensorflow as tf

from nos_tf import optimizers
from nos_tf.common.errors import RunError
from nos_tf.optimizers.keras_compat import random_state_in_variables
from nos_tf.training import fit as fit_lib
from nos_tf.training.files import HISTORY, read_rows
from nos_tf.training.fit import fit
from nos_tf.training.interruption import Interruption, Preempted
from nos_tf.training.runtime import Runtime
from tests.training import study_case


class Silent:
    def on_step(self, step, loss):
        pass

    def on_epoch(self, row):
        pass


class StopAt(Interruption):
    """Asks to stop after a given step."""

    def __init__(self, step, display):
        super().__init__()
        self._step, self._display = step, display

    def should_stop(self):
        return self._display.step >= self._step

    def stop(self):
        if self.should_stop():
            raise Preempted


class Counting(Silent):
    step = 0

    def on_step(self, step, loss):
        self.step = step


def adam():
    return tf.keras.optimizers.Adam(0.03)


def train(folder, experiment=None, make=adam, interruption=None, display=None, runtime=None, tensorboard=False):
    rows, _, seconds = fit(
        experiment or study_case.experiment(epochs=3),
        make,
        3,
        runtime or Runtime(),
        folder,
        interruption or Interruption(),
        display or Silent(),
        tensorboard,
    )
    assert seconds > 0
    return rows


def test_equals_a_plain_keras_fit(tmp_path):
    experiment = study_case.experiment(epochs=3)
    rows = train(tmp_path, experiment)
    tf.keras.utils.set_random_seed(3)
    with random_state_in_variables():
        model = study_case.build_model(3)
    model.compile(adam(), experiment.loss(), metrics=list(experiment.metrics()), jit_compile=False)
    history = model.fit(
        experiment.batches(3, 0),
        epochs=3,
        steps_per_epoch=10,
        validation_data=experiment.evaluations["val"],
        verbose=0,
        shuffle=False,
    ).history
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose([row[name] for row in rows], history[name], rtol=1e-5, err_msg=name)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert read_rows(tmp_path / HISTORY) == rows


def test_losses_are_stored_and_shown_per_term(tmp_path):
    shown = []

    class Steps(Silent):
        def on_step(self, step, loss):
            shown.append(loss)

    terms = {"train": 2.0, "val": 4.0}
    sums = train(tmp_path / "sums")
    means = train(tmp_path / "means", study_case.experiment(epochs=3, loss_terms=terms), display=Steps())
    for whole, row in zip(sums, means, strict=True):
        factors = {"loss": 2.0, "val_loss": 4.0}
        assert row == {name: value / factors.get(name, 1.0) for name, value in whole.items()}
    assert shown[19] == pytest.approx(means[1]["loss"], rel=1e-6)  # The running mean at the end of the second epoch.


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("steps", [(1,), (10,), (4, 27), (9, 11)])
def test_stopped_and_resumed_ends_with_the_same_numbers(tmp_path, uninterrupted, steps):
    for step in steps:
        display = Counting()
        with pytest.raises(Preempted):
            train(tmp_path, interruption=StopAt(step, display), display=display)
        assert display.step == step
    assert train(tmp_path) == uninterrupted
    assert train(tmp_path) == uninterrupted  # Nothing remains to be done.


def test_saves_within_an_epoch_too(tmp_path, uninterrupted, monkeypatch):
    monkeypatch.setattr(fit_lib, "_CHECKPOINT_SECONDS", 0.0)

    class Crash(Counting):
        def on_step(self, step, loss):
            super().on_step(step, loss)
            if step == 17:
                raise MemoryError

    with pytest.raises(MemoryError):
        train(tmp_path, display=Crash())
    late = Counting()
    steps = []
    late.on_step = lambda step, loss: steps.append(step)
    assert train(tmp_path, display=late) == uninterrupted
    assert steps[0] == 17  # Step 16 was the last one saved.


def test_divergence_ends_the_training(tmp_path):
    rows = train(tmp_path, make=lambda: optimizers.get("sgd", learning_rate=1e30))
    assert len(rows) == 1
    assert not np.isfinite(rows[0]["loss"])


def test_checkpoint_of_another_model_or_optimizer_is_refused_and_kept(tmp_path):
    display = Counting()
    with pytest.raises(Preempted):
        train(tmp_path, interruption=StopAt(12, display), display=display)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def wider(seed):
        del seed
        return tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(9), tf.keras.layers.Dense(2)])

    for changes in (
        {"experiment": study_case.experiment(epochs=3, build_model=wider)},
        {"make": lambda: optimizers.get("sgd", learning_rate=0.1)},
    ):
        with pytest.raises(RunError, match=r"does not fit this model.* Received: .*ckpt-12"):
            train(tmp_path, **changes)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_damaged_checkpoint_is_one_clear_error(tmp_path):
    train(tmp_path)
    (data,) = (tmp_path / "checkpoint").glob("ckpt-30.data*")
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(RunError, match=r"damaged.*Received"):
        train(tmp_path)


def test_two_replicas_learn_like_one(tmp_path):
    experiment = study_case.experiment_for_replicas(epochs=3)
    for make in (adam, lambda: optimizers.get("powersign-cd", learning_rate=0.01, total_steps=18)):
        one = train(tmp_path / "one", experiment, make)
        two = train(tmp_path / "two", experiment, make, runtime=Runtime(strategy="mirrored"))
        for row, other in zip(one, two, strict=True):
            assert row == pytest.approx(other, rel=1e-5)
        for folder in ("one", "two"):
            tf.io.gfile.rmtree(str(tmp_path / folder))


def test_mixed_precision_gives_finite_losses_and_is_undone(tmp_path):
    rows = train(tmp_path, runtime=Runtime(mixed_precision=True))
    assert np.isfinite(rows[-1]["val_loss"])
    assert tf.keras.mixed_precision.global_policy().name == "float32"


def test_tensorboard_files(tmp_path):
    train(tmp_path, tensorboard=True)
    assert list((tmp_path / "tensorboard").rglob("events.out.tfevents.*"))


def test_tensorboard_files_hold_the_samples_of_every_epoch(tmp_path):
    experiment = study_case.experiment(epochs=3, samples=lambda model: f"a network of {len(model.layers)} layers")
    train(tmp_path, experiment, tensorboard=True)
    (path,) = (tmp_path / "tensorboard" / "samples").glob("*.tfevents.*")
    values = [event.summary.value[0] for event in tf.compat.v1.train.summary_iterator(str(path)) if event.summary.value]
    layers = len(study_case.build_model(0).layers)
    assert [value.tensor.string_val[0].decode() for value in values] == [f"a network of {layers} layers"] * 3
