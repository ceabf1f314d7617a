"""The training harness with tensorflow-addons' optimizers, which are legacy Keras 2 optimizers."""

import pytest
import tensorflow as tf

from experiments import cifar10
from nos_tf import optimizers
from nos_tf.common.errors import RunError
from nos_tf.optimizers import external
from nos_tf.training import command
from nos_tf.training.interruption import Preempted
from nos_tf.training.runtime import Runtime
from tests.training import study_case
from tests.training.fit_test import Counting, StopAt, train

pytest.importorskip("tensorflow_addons")


def test_addons_are_baselines_of_cifar10():
    assert set(cifar10._ADDONS) == {f"addons/{name}" for name in external.LIBRARIES["addons"]()}
    assert cifar10.optimizers()[-len(cifar10._ADDONS) :] == cifar10._ADDONS


# One with slots, one with decoupled weight decay, and one that wraps another optimizer.
@pytest.mark.parametrize("name", ["addons/lamb", "addons/sgdw", "addons/lookahead"])
def test_stopped_and_resumed_ends_with_the_same_numbers(tmp_path, name):
    def make():
        schedule = tf.keras.optimizers.schedules.CosineDecay(0.03, 30)
        return optimizers.get(name, learning_rate=schedule, total_steps=30, global_clipnorm=0.5)

    whole = train(tmp_path / "whole", make=make)
    assert whole[-1]["loss"] != whole[0]["loss"]
    for step in (4, 27):
        display = Counting()
        with pytest.raises(Preempted):
            train(tmp_path / "parts", make=make, interruption=StopAt(step, display), display=display)
    assert train(tmp_path / "parts", make=make, tensorboard=True) == whole


def test_two_replicas_learn_like_one(tmp_path):
    experiment = study_case.experiment_for_replicas(epochs=2)

    def make():
        return optimizers.get("addons/lookahead", learning_rate=0.03)

    one = train(tmp_path / "one", experiment, make)
    two = train(tmp_path / "two", experiment, make, runtime=Runtime(strategy="mirrored"))
    for row, other in zip(one, two, strict=True):
        assert row == pytest.approx(other, rel=1e-5)


def test_unsupported_options_are_refused_in_one_line():
    values = {
        "optimizers": ["addons/lamb"],
        "learning_rates": [0.1],
        "schedule": "constant",
        "warmup_steps": 0,
        "clip_norm": None,
        "batch_size": 5,
        "ema_momentum": 0.9,
        "seed": 0,
        "seeds": 1,
    }
    with pytest.raises(RunError, match=r"^Cannot create addons/lamb .*; drop them .* Received: use_ema=True[^\n]*$"):
        command._plan(values, study_case.experiment())
