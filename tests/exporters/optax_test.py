"""Rules exported for Optax train like the NumPy twin; runs in the environment of `make test-backends`."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from nos_tf.exporters import export
from tests.exporters import conformance
from tests.exporters.loading import load

jax = pytest.importorskip("jax", reason="jax is not installed; use make test-backends")
optax = pytest.importorskip("optax", reason="optax is not installed; use make test-backends")


def test_rules_follow_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("optax", tmp_path, conformance.RULES)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_random_programs_follow_the_twin(tmp_path: pathlib.Path) -> None:
    conformance.check("optax", tmp_path, conformance.RANDOM_PROGRAMS, compile=False)


def tree(dtype: Any) -> Any:
    return {"a": jax.numpy.ones((3, 2), dtype), "b": [jax.numpy.full((), 0.5, dtype), None]}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("rule", ["sgd", "adam", "powersign-cd", "drop-m-exp-w", "noise - drop(2, 0.3)", "ld"])
def test_types_are_kept_and_a_second_step_is_not_traced_again(rule: str, dtype: str, tmp_path: pathlib.Path) -> None:
    module = load(export(rule, to="optax"), tmp_path)
    make = next(entry for name, entry in vars(module).items() if name.startswith("scale_by_"))
    scale = make(**({"total_steps": 10} if rule in ("powersign-cd", "ld") else {}))
    params = tree(dtype)
    state, traced = scale.init(params), []

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        traced.append(1)
        return scale.update(params, state, params)

    for _ in range(3):
        updates, state = step(params, state)
    assert len(traced) == 1
    assert all(leaf.dtype == dtype for leaf in jax.tree.leaves(updates))
    assert jax.tree.structure(updates) == jax.tree.structure(params)


def test_works_with_optax_own_wrappers(tmp_path: pathlib.Path) -> None:
    module = load(export("adam-powersign", to="optax"), tmp_path)
    schedule = optax.linear_schedule(0.1, 0.01, 50)
    injected = optax.inject_hyperparams(module.adam_powersign)(learning_rate=0.05)
    masked = optax.masked(module.adam_powersign(schedule), {"a": True, "b": False})
    for optimizer in (injected, optax.MultiSteps(module.adam_powersign(schedule), 2), masked):
        params = {"a": jax.numpy.ones(3), "b": jax.numpy.ones(2)}
        state = optimizer.init(params)
        for _ in range(60):
            gradients = jax.tree.map(lambda x: 2 * x, params)
            updates, state = jax.jit(optimizer.update)(gradients, state, params)
            params = optax.apply_updates(params, updates)
        assert float(abs(params["a"]).max()) < 0.5


def test_a_rule_that_reads_the_weights_requires_them(tmp_path: pathlib.Path) -> None:
    scale = load(export("drop-m-exp-w", to="optax"), tmp_path).scale_by_drop_m_exp_w()
    params = {"a": jax.numpy.ones(3)}
    with pytest.raises(ValueError, match="params"):
        scale.update(params, scale.init(params))


def test_draws_differ_between_seeds_steps_and_arrays(tmp_path: pathlib.Path) -> None:
    module = load(export("noise", to="optax"), tmp_path)
    params = {"a": jax.numpy.ones(1000), "b": jax.numpy.ones(1000)}
    drawn = []
    for seed in (0, 0, 1):
        scale = module.scale_by_found_rule(seed=seed)
        first, state = scale.update(params, scale.init(params))
        second, _ = scale.update(params, state)
        drawn.append(np.stack([first["a"], first["b"], second["a"]]))
    assert (drawn[0] == drawn[1]).all()
    flat = np.concatenate([drawn[0], drawn[2]])
    assert abs(np.corrcoef(flat) - np.eye(6)).max() < 0.15
