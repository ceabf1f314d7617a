import json

import pytest

from nos_tf.errors import RunError
from nos_tf.training import record

FLAGS = {"epochs": 3, "optimizers": ["sgd"], "seed": 0, "run_dir": "x"}
WITHOUT = frozenset({"run_dir"})


def test_hash_tells_what_changes_numbers_and_nothing_else():
    digest = record.config_hash(FLAGS, WITHOUT)
    assert record.config_hash({**FLAGS, "run_dir": "y"}, WITHOUT) == digest
    assert record.config_hash(dict(reversed(FLAGS.items())), WITHOUT) == digest
    assert record.config_hash({**FLAGS, "epochs": 4}, WITHOUT) != digest


def test_begun_run_is_resumed_only_as_it_was(tmp_path):
    config = record.begin(tmp_path, "case", FLAGS, WITHOUT, resume=False)
    path = tmp_path / "config.json"
    assert json.loads(path.read_text()) == config
    assert config["flags"] == FLAGS
    assert config["versions"]["nos_tf"]
    before = path.read_bytes()
    assert record.begin(tmp_path, "case", {**FLAGS, "run_dir": "y"}, WITHOUT, resume=True) == config
    with pytest.raises(RunError, match="--resume"):
        record.begin(tmp_path, "case", FLAGS, WITHOUT, resume=False)
    with pytest.raises(RunError, match=r"holds case with --epochs=3; .* Received: "):
        record.begin(tmp_path, "case", {**FLAGS, "epochs": 4}, WITHOUT, resume=True)
    with pytest.raises(RunError, match="holds case"):
        record.begin(tmp_path, "other", FLAGS, WITHOUT, resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["", "[1]", "{", "\x00"])
def test_broken_configuration_is_one_clear_error(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=r"Received: .*config\.json"):
        record.begin(tmp_path, "case", FLAGS, WITHOUT, resume=True)
