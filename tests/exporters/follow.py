"""Trains with exported files like a user, without nos_tf: python follow.py FRAMEWORK FOLDER

FOLDER holds `manifest.json`, the exported files it names, and `trace.npz` with the gradients of every step and the
initial weights. The weights after each step are written to `result.npz`. Halfway, the optimizer's state is saved and
restored into a new optimizer.
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

TOTAL_STEPS = 100

Weights = Iterator[np.ndarray]


def numpy(module: Any, entry: dict, gradients: np.ndarray, weights: np.ndarray, rate: float) -> Weights:
    make = getattr(module, entry["class"])
    optimizer = make(rate, **entry["arguments"])
    for step, gradient in enumerate(gradients):
        if step == len(gradients) // 2:
            optimizer = pickle.loads(pickle.dumps(optimizer))
        weights = optimizer.step(weights, gradient)
        yield weights


def optax(module: Any, entry: dict, gradients: np.ndarray, weights: np.ndarray, rate: float) -> Weights:
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", True)
    params = {"a": jnp.asarray(weights)}

    def make() -> Any:
        scale_by = getattr(module, f"scale_by_{entry['function']}")
        chain = optax.chain(scale_by(**entry["arguments"]), optax.scale_by_learning_rate(rate))
        whole = getattr(module, entry["function"])(rate, **entry["arguments"])
        assert jax.tree.structure(whole.init(params)) == jax.tree.structure(chain.init(params))
        return whole

    optimizer = make()
    state = optimizer.init(params)

    def step(params: Any, state: Any, gradient: Any) -> Any:
        updates, state = optimizer.update({"a": gradient}, state, params)
        return optax.apply_updates(params, updates), state

    compiled = jax.jit(step) if entry["compile"] else step
    for number, gradient in enumerate(gradients):
        if number == len(gradients) // 2:
            leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
            optimizer = make()
            state = jax.tree.unflatten(jax.tree.structure(optimizer.init(params)), leaves)
        # The last steps run uncompiled.
        params, state = (step if number >= len(gradients) - 2 else compiled)(params, state, jnp.asarray(gradient))
        yield np.asarray(params["a"])


def torch(
    module: Any, entry: dict, gradients: np.ndarray, weights: np.ndarray, rate: float, compile: str | None = None
) -> Weights:
    import torch

    torch.manual_seed(0)
    # Two tensors in separate groups; the second group's learning rate is changed after construction.
    half = len(weights) // 2
    params = [torch.nn.Parameter(torch.tensor(part)) for part in (weights[:half], weights[half:])]
    unused = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))

    def make() -> Any:
        groups = [{"params": [params[0], unused]}, {"params": [params[1]], "lr": 2 * rate}]
        optimizer = getattr(module, entry["class"])(groups, lr=rate, **entry["arguments"])
        optimizer.param_groups[1]["lr"] = rate
        return optimizer

    optimizer = make()
    step = torch.compile(optimizer.step, backend=compile) if compile else optimizer.step
    for number, gradient in enumerate(gradients):
        if number == len(gradients) // 2:
            saved = pickle.loads(pickle.dumps(optimizer.state_dict()))
            optimizer = make()
            optimizer.load_state_dict(saved)
            step = torch.compile(optimizer.step, backend=compile) if compile else optimizer.step
        parts = torch.tensor(gradient[:half]), torch.tensor(gradient[half:])

        def closure(parts: Any = parts) -> str:
            assert torch.is_grad_enabled()
            for param, part in zip(params, parts, strict=True):
                param.grad = part
            return "loss"

        if compile:
            closure()
            step()
        else:
            assert step(closure) == "loss"
        yield np.concatenate([param.detach().numpy() for param in params])


def torch_compiled(*arguments: Any) -> Weights:
    return torch(*arguments, compile="aot_eager")


def torch_inductor(*arguments: Any) -> Weights:
    return torch(*arguments, compile="inductor")


def keras(module: Any, entry: dict, gradients: np.ndarray, weights: np.ndarray, rate: float) -> Weights:
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    variable = keras.Variable(weights, dtype="float64")
    optimizer = getattr(module, entry["class"])(learning_rate=rate, **entry["arguments"])
    optimizer.build([variable])
    step = _keras_step(backend, optimizer, variable)
    for number, gradient in enumerate(gradients):
        if number == len(gradients) // 2:
            saved: dict[str, Any] = {}
            optimizer.save_own_variables(saved)
            saved = {name: np.asarray(value) for name, value in saved.items()}
            optimizer = type(optimizer).from_config(json.loads(json.dumps(optimizer.get_config())))
            optimizer.build([variable])
            optimizer.load_own_variables(saved)
            step = _keras_step(backend, optimizer, variable)
        step(keras.ops.convert_to_tensor(gradient, dtype="float64"))
        yield keras.ops.convert_to_numpy(variable)


def _keras_step(backend: str, optimizer: Any, variable: Any) -> Any:
    def step(gradient: Any) -> None:
        optimizer.apply([gradient], [variable])

    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(step)
    if backend == "jax":
        import jax

        apply = jax.jit(optimizer.stateless_apply)

        def stateless(gradient: Any) -> None:
            values = [each.value for each in optimizer.variables]
            (new,), values = apply(values, [gradient], [variable.value])
            variable.assign(new)
            for each, value in zip(optimizer.variables, values, strict=True):
                each.assign(value)

        return stateless
    return step


def main() -> None:
    framework, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    sys.modules["nos_tf"] = None  # type: ignore[assignment]  # Makes imports fail.
    trace = np.load(folder / "trace.npz")
    results = {}
    for entry in json.loads((folder / "manifest.json").read_text("utf-8")):
        spec = importlib.util.spec_from_file_location(entry["file"], folder / f"{entry['file']}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module.__name__] = module  # As after an import; pickle and torch.compile look modules up here.
        spec.loader.exec_module(module)
        with np.errstate(all="ignore"):
            steps = globals()[framework](module, entry, trace["gradients"], trace["weights"], float(trace["rate"]))
            results[entry["file"]] = np.stack([np.array(weights) for weights in steps])
    np.savez(folder / "result.npz", **results)


if __name__ == "__main__":
    main()
