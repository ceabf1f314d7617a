import os

import pytest

from nos_tf.common.errors import RunError
from nos_tf.datasets import wmt14


@pytest.fixture(scope="module")
def data_dir():
    folder = os.environ.get("TFDS_DATA_DIR", "")
    if not os.path.isdir(os.path.join(folder, "wmt14_translate", "de-en")):
        pytest.skip("no prepared WMT14: set TFDS_DATA_DIR to a TensorFlow Datasets folder that holds it")
    return folder


def test_pairs_english_with_german(data_dir):
    english, german = wmt14.load("test[:200]", data_dir=data_dir)
    assert len(english) == len(german) == 200
    assert sum(" the " in line for line in english) > 50 > 10 > sum(" the " in line for line in german)
    assert sum(" und " in line for line in german) > 50 > 10 > sum(" und " in line for line in english)


def test_either_language_can_be_the_source(data_dir):
    assert wmt14.load("test[:5]", "de", "en", data_dir) == wmt14.load("test[:5]", "en", "de", data_dir)[::-1]


def test_a_sample_is_labeled_by_its_size(data_dir):
    import tensorflow_datasets as tfds

    pairs = tfds.builder("wmt14_translate/de-en", data_dir=data_dir).info.splits["train"].num_examples
    label = wmt14.label(data_dir=data_dir)
    assert label == ("WMT 2014 en-de" if pairs > 4e6 else f"{pairs:,} training pairs of WMT 2014 en-de")


@pytest.mark.parametrize("languages", [("en", "en"), ("de", "fr"), ("en", "es"), ("de", "de")])
def test_pairs_that_wmt14_does_not_have_are_refused(languages):
    with pytest.raises(RunError, match=rf"choose two such languages.* Received: {languages[0]} to {languages[1]}"):
        wmt14.load("train", *languages)
