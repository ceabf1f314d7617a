import importlib.util
from pathlib import Path

import pytest

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.evaluation.result import Evaluation
from nos_tf.search import tensorboard
from nos_tf.search.trial import Batch, Trial


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunError, match=r"nos_tf\[tensorboard\]"):
        tensorboard.check_installed()


def test_scalars_and_hparams_can_be_read_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    log = tensorboard.TensorBoardLog(tmp_path, {"trials": 2, "operands": ["g", "m"], "task": "digits"})
    log.on_start([])
    for number, reward in enumerate((0.5, 0.25)):
        program = nos_tf.parse("m")
        log.on_trial(Trial(number, "ppo", 0, program, "k", reward, Evaluation(reward, "trained", 0.1)))
    log.on_batch(Batch(0, "ppo", {"entropy": 2.5}))
    events = EventAccumulator(str(tmp_path)).Reload()
    read = {
        tag: [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
        if not tag.startswith("_hparams")
    }
    assert read["reward/ppo"] == [(0, 0.5), (1, 0.25)]
    assert read["reward/best"] == [(0, 0.5), (1, 0.5)]
    assert read["ppo/entropy"] == [(0, 2.5)]
    assert "_hparams_/session_start_info" in events.summary_metadata
