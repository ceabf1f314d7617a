"""Every embedded task: its data pass the checks, no example is in two splits, and its network learns."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from nos_tf import tasks
from nos_tf.dsl import parse
from nos_tf.evaluation import Evaluator
from nos_tf.evaluation.result import TRAINED
from nos_tf.tasks import topics_gru

EMBEDDED = [name for name in tasks.names() if not name.startswith("cifar10")]


@pytest.mark.parametrize("name", EMBEDDED)
def test_data_and_network_fit_without_a_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tasks.check(tasks.get(name))


@pytest.mark.parametrize("name", [name for name in EMBEDDED if not name.startswith("topics")])
def test_no_example_is_in_two_splits(name):
    splits = tasks.get(name).load(None)
    rows = [{row.tobytes() for row in part.inputs} for part in (splits.train, splits.validation, splits.test)]
    assert not rows[0] & rows[1]
    assert not rows[0] & rows[2]
    assert not rows[1] & rows[2]


@pytest.mark.parametrize("name", ["diabetes_mlp", "photo_denoising", "digits_autoencoder"])
def test_targets_of_a_regression_are_standardized(name):
    labels = tasks.get(name).load(None).train.labels
    np.testing.assert_allclose(labels.mean(axis=0), 0.0, atol=1e-4)
    assert labels.std() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("name", ["breast_cancer_mlp", "wine_softmax", "diabetes_mlp"])
def test_columns_of_a_table_are_standardized_over_the_training_data(name):
    splits = tasks.get(name).load(None)
    np.testing.assert_allclose(splits.train.inputs.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(splits.train.inputs.std(axis=0), 1.0, atol=1e-4)
    assert np.abs(splits.test.inputs.mean(axis=0)).max() > 0.01


def test_labels_of_a_text_are_the_next_characters():
    splits = tasks.get("topics_gru").load(None)
    for part in (splits.train, splits.validation, splits.test):
        codes = part.inputs.argmax(axis=-1)
        np.testing.assert_array_equal(part.inputs.sum(axis=-1), 1)
        np.testing.assert_array_equal(codes[:, 1:], part.labels[:, :-1])
    codes = splits.train.inputs[:200].argmax(axis=-1).ravel()
    text = "".join((*topics_gru.ALPHABET, "?")[code] for code in codes)
    assert " the " in text
    assert "  " not in text
    assert (codes == topics_gru.OTHER).mean() < 0.05


def test_noise_is_the_difference_between_input_and_target():
    train = tasks.get("photo_denoising").load(None).train
    noise = train.inputs - train.labels
    assert noise.std() == pytest.approx(0.5, rel=0.01)
    assert abs(np.corrcoef(noise.ravel(), train.labels.ravel())[0, 1]) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", EMBEDDED)
def test_a_known_optimizer_learns_and_leaves_room_for_improvement(name):
    evaluation = Evaluator(tasks.get(name)).evaluate(parse("adam"))
    assert evaluation.status == TRAINED
    assert evaluation.reward < 0.99
