import numpy as np
import pytest
import tensorflow as tf

from nos_tf import optimizers
from nos_tf.optimizers.keras_compat import IS_KERAS_3
from nos_tf.training import files
from nos_tf.training import fit as fit_lib
from nos_tf.training.files import averaged_weights
from nos_tf.training.interruption import Interruption, Preempted
from nos_tf.training.runtime import Runtime
from tests.training import study_case
from tests.training.fit_test import Counting, Silent, StopAt, train


def averaging(name="adam"):
    return optimizers.get(name, learning_rate=0.03, total_steps=30, use_ema=True, ema_momentum=0.8)


def test_averages_replace_the_weights_only_temporarily():
    model = study_case.build_model(0)
    model.compile(averaging("sgd"), "mse")
    model.optimizer.build(model.trainable_variables)
    history = [[v.numpy() for v in model.trainable_variables]]
    for _ in range(3):
        model.optimizer.apply_gradients([(tf.ones(v.shape), v) for v in model.trainable_variables])
        history.append([v.numpy() for v in model.trainable_variables])
    # Keras 3 starts the average at the weights after the first step, Keras 2 at those before it.
    expected, *later = history[1:] if IS_KERAS_3 else history
    for stepped in later:
        expected = [0.8 * average + 0.2 * now for average, now in zip(expected, stepped, strict=True)]
    with averaged_weights(model):
        for variable, average in zip(model.trainable_variables, expected, strict=True):
            np.testing.assert_allclose(variable.numpy(), average, rtol=1e-5, atol=1e-6)
    for variable, raw in zip(model.trainable_variables, history[-1], strict=True):
        np.testing.assert_array_equal(variable.numpy(), raw)
    with pytest.raises(MemoryError), averaged_weights(model):
        raise MemoryError
    np.testing.assert_array_equal(model.trainable_variables[0].numpy(), history[-1][0])


def test_averaging_adds_measurements_and_changes_no_weight(tmp_path):
    plain = train(tmp_path / "plain", make=lambda: optimizers.get("adam", learning_rate=0.03))
    both = train(tmp_path / "both", make=averaging)
    for row, other in zip(plain, both, strict=True):
        assert {name: value for name, value in other.items() if "_ema_" not in name} == pytest.approx(row, rel=1e-6)
        assert {name for name in other if "_ema_" in name} == {
            f"{split}_ema_{metric}" for split in ("val", "test") for metric in ("loss", "accuracy")
        }
    assert any(row["val_ema_loss"] != row["val_loss"] for row in both)


def test_stopped_and_resumed_has_the_same_averages(tmp_path):
    whole = train(tmp_path / "whole", make=averaging)
    for step in (4, 10, 27):
        display = Counting()
        with pytest.raises(Preempted):
            train(tmp_path / "parts", make=averaging, interruption=StopAt(step, display), display=display)
    assert train(tmp_path / "parts", make=averaging) == whole
    assert (tmp_path / "parts" / files.HISTORY).exists()


def test_trained_model_is_saved_and_measured_with_both_weights(tmp_path):
    means = []

    def measure(model):
        means.append(float(np.mean([np.mean(weight.numpy()) for weight in model.trainable_variables])))
        return {"test": {"mean": means[-1]}}

    experiment = study_case.experiment(epochs=2, measure=measure)
    found = fit_lib.fit(experiment, averaging, 3, Runtime(), tmp_path, Interruption(), Silent())
    assert found.measured == {"test_mean": means[0], "test_ema_mean": means[1]}
    assert means[0] != means[1]
    for name, mean in zip((files.LAST, files.AVERAGED), means, strict=True):
        model = study_case.build_model(0)
        files.load_weights(model, tmp_path / name)
        assert np.mean([np.mean(weight.numpy()) for weight in model.trainable_variables]) == pytest.approx(mean)
