"""Rules exported for PyTorch train like the NumPy twin; runs in the environment of `make test-backends`."""

from __future__ import annotations

import pathlib
import pickle
import shutil
from typing import Any

import numpy as np
import pytest

from nos_tf.exporters import export
from tests.exporters import conformance
from tests.exporters.loading import load

torch = pytest.importorskip("torch", reason="torch is not installed; use make test-backends")


def test_rules_follow_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("torch", tmp_path, conformance.RULES, target="torch")


@pytest.mark.slow
def test_random_programs_follow_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("torch", tmp_path, conformance.RANDOM_PROGRAMS, target="torch")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_rules_follow_the_twin_compiled(tmp_path: pathlib.Path) -> None:
    conformance.check("torch_compiled", tmp_path, conformance.RULES, target="torch")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile's default backend needs a C++ compiler")
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_follows_the_twin_compiled_to_machine_code(tmp_path: pathlib.Path) -> None:
    rules = ["powersign", "powersign-cd", "adam-exp-m", "powersign-drop-0.3"]
    conformance.check("torch_inductor", tmp_path, rules, target="torch")


def parameters(dtype: Any = None) -> list[Any]:
    return [torch.nn.Parameter(torch.linspace(-1, 1, size, dtype=dtype)) for size in (3, 5)]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "rule", ["sgd", "adam", "powersign-cd", "drop-m-exp-w", "noise - drop(2, 0.3)", "log(ld)", "2 / g"]
)
def test_types_are_kept(rule: str, dtype: str, tmp_path: pathlib.Path) -> None:
    module = load(export(rule, to="torch"), tmp_path)
    make = next(entry for entry in vars(module).values() if isinstance(entry, type))
    params = parameters(getattr(torch, dtype))
    optimizer = make(params, lr=0.1, **({"total_steps": 1} if "cd" in rule or "ld" in rule else {}))
    for _ in range(3):
        for param in params:
            param.grad = torch.ones_like(param)
        optimizer.step()
    for param in params:
        assert param.dtype == getattr(torch, dtype)
        assert all(value.dtype == param.dtype for value in optimizer.state[param].values())


@pytest.mark.parametrize("rule", ["2 ** (1 / ld) * g", "sqrt(ld) ** -1 * g", "log(1) ** (-ld)"])
def test_numbers_overflow_to_infinity(rule: str, tmp_path: pathlib.Path) -> None:
    """After the last step, ld is 0, and Python's own numbers would raise."""
    module = load(export(rule, to="torch"), tmp_path)
    make = next(entry for entry in vars(module).values() if isinstance(entry, type))
    params = parameters()
    optimizer = make(params, lr=0.1, total_steps=1)
    for _ in range(2):
        for param in params:
            param.grad = torch.ones_like(param)
        optimizer.step()
    assert all(torch.isinf(param).all() for param in params)


def test_adam_is_pytorch_s_own(tmp_path: pathlib.Path) -> None:
    ours, theirs = parameters(torch.float64), parameters(torch.float64)
    optimizer = load(export("adam", to="torch"), tmp_path).Adam(ours, lr=0.1)
    # Keras adds epsilon to the uncorrected root, PyTorch to the corrected one, which does not matter at 1e-30.
    other = torch.optim.Adam(theirs, lr=0.1, eps=1e-30)
    for step in range(20):
        for one, two in zip(ours, theirs, strict=True):
            one.grad = torch.sin(one.detach() + step)
            two.grad = torch.sin(two.detach() + step)
        optimizer.step()
        other.step()
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.detach(), two.detach(), rtol=1e-4)


def test_scheduler_groups_and_state(tmp_path: pathlib.Path) -> None:
    make = load(export("powersign-cd", to="torch"), tmp_path).PowerSignCd
    params = parameters()
    optimizer = make([params[0]], lr=0.5, total_steps=10)
    optimizer.add_param_group({"params": [params[1]], "total_steps": 5, "beta_1": 0.5})
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(2):
        for param in params:
            param.grad = torch.ones_like(param)
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 0.125
    np.testing.assert_allclose(optimizer.state[params[1]]["m"], 0.75)
    saved = pickle.loads(pickle.dumps(optimizer.state_dict()))
    assert saved["param_groups"][1]["step"] == 2
    assert set(saved["state"][0]) == {"m"}


def test_invalid_requests_are_refused(tmp_path: pathlib.Path) -> None:
    make = load(export("powersign", to="torch"), tmp_path).PowerSign
    with pytest.raises(ValueError, match=r"Invalid beta_1: 1\.0"):
        make(parameters(), lr=0.1, beta_1=1.0)
    with pytest.raises(ValueError, match=r"Invalid learning rate: -1"):
        make(parameters(), lr=-1)
    embedding = torch.nn.Embedding(4, 2, sparse=True)
    optimizer = make(embedding.parameters(), lr=0.1)
    embedding(torch.tensor([1])).sum().backward()
    with pytest.raises(RuntimeError, match="PowerSign does not support sparse gradients"):
        optimizer.step()
