import numpy as np
import pytest

from nos_tf import tasks
from nos_tf.tasks import task as task_module
from nos_tf.tasks.task import Split, Splits


@pytest.fixture
def own_task(monkeypatch):
    monkeypatch.setattr(task_module, "_TASKS", dict(task_module._TASKS))
    split = Split(np.zeros((4, 2)), np.zeros(4, int))
    return tasks.register("own", lambda data_dir: Splits(split, split, split), lambda: None, batch_size=2)


def test_a_registered_task_is_found_by_name(own_task):
    assert tasks.get("own") is own_task
    assert "own" in tasks.names()
    assert own_task.describe_data() == "the user's own data"


def test_an_unknown_name_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match=r"did you mean 'digits'\?.*Received: 'digit'"):
        tasks.get("digit")


def test_mismatched_splits_are_refused():
    with pytest.raises(ValueError, match="Received: inputs \\(3, 2\\), labels \\(4,\\)"):
        Split(np.zeros((3, 2)), np.zeros(4, int))
    with pytest.raises(ValueError, match="n > 0"):
        Split(np.zeros((0, 2)), np.zeros(0, int))


def test_budgets_must_be_positive(own_task):
    with pytest.raises(ValueError, match="Received: epochs=0"):
        tasks.register("own", own_task.load, own_task.build_model, epochs=0)
