"""Times a step of exported rules and of Optax's and PyTorch's own Adam, on a GPU if there is one.

    python -m benchmarks.exports --json=/tmp/exports.json
    python -m benchmarks.exports --weights=1000000 --frameworks=torch

Needs JAX and Optax, or PyTorch; TensorFlow is not loaded. Both sides of a pair see the same gradients and are timed
alternately (A B A B ...), so that other load on the machine affects both. With Optax, both are compiled with `jax.jit`;
with PyTorch, both run on lists of tensors (`foreach`) without compilation.
"""

from __future__ import annotations

import importlib.util
import pathlib
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from typing import Any

from absl import app, flags

from benchmarks import figures, ratios
from nos_tf.exporters import export

_WEIGHTS = flags.DEFINE_integer("weights", 25_000_000, "Number of weights to update per step.", lower_bound=1)
_TENSORS = flags.DEFINE_list("tensors", ["1", "200"], "Numbers of tensors of equal size that hold the weights.")
_FRAMEWORKS = flags.DEFINE_list("frameworks", ["optax", "torch"], "Frameworks to time: optax, torch.")
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Pairs of timings per comparison.", lower_bound=3)
_SECONDS = flags.DEFINE_float("seconds", 0.2, "Minimum length of a timing; steps are repeated to reach it.")

_RULES = {"adam": "Adam", "powersign": "PowerSign", "addsign": "AddSign"}  # Names in the exported files.
_RATE = 1e-4

Step = Callable[[], None]


def _load(rule: str, to: str) -> types.ModuleType:
    """Loads the exported file as a module."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "exported.py")
        path.write_text(export(rule, to=to), "utf-8")
        spec = importlib.util.spec_from_file_location(f"exported_{rule}_{to}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def _optax_step(optimizer: Any, tensors: int) -> Step:
    import jax
    import optax

    keys = jax.random.split(jax.random.key(0), tensors)
    gradients = [jax.random.normal(key, (_WEIGHTS.value // tensors,)) for key in keys]
    params: Any = [jax.numpy.ones_like(gradient) for gradient in gradients]
    state = optimizer.init(params)

    def update(params: Any, state: Any, gradients: Any) -> Any:
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    compiled = jax.jit(update, donate_argnums=(0, 1))

    def step() -> None:
        nonlocal params, state
        params, state = jax.block_until_ready(compiled(params, state, gradients))

    return step


def _torch_step(make: Callable[[Any], Any], tensors: int) -> Step:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator(device).manual_seed(0)
    size = _WEIGHTS.value // tensors
    params = [torch.nn.Parameter(torch.ones(size, device=device)) for _ in range(tensors)]
    for param in params:
        param.grad = torch.randn(size, device=device, generator=generator)
    optimizer = make(params)

    def step() -> None:
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return step


def _steps(framework: str, rule: str, tensors: int) -> tuple[Step, Step]:
    """Steps of the exported rule and of the framework's own Adam."""
    module = _load(rule, framework)
    if framework == "optax":
        import optax

        return _optax_step(getattr(module, rule)(_RATE), tensors), _optax_step(optax.adam(_RATE), tensors)
    import torch

    make = getattr(module, _RULES[rule])
    return (
        _torch_step(lambda params: make(params, lr=_RATE), tensors),
        _torch_step(lambda params: torch.optim.Adam(params, lr=_RATE, foreach=True), tensors),
    )


def _seconds(step: Step, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats


def _device(framework: str) -> str:
    if framework == "optax":
        import jax
        import optax

        return f"JAX {jax.__version__}, Optax {optax.__version__}, {jax.devices()[0].device_kind}"
    import torch

    return f"PyTorch {torch.__version__}, {torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU'}"


def main(_: Sequence[str]) -> None:
    for framework in _FRAMEWORKS.value:
        print(_device(framework), flush=True)
        for tensors in map(int, _TENSORS.value):
            for rule in _RULES:
                pair = _steps(framework, rule, tensors)
                for step in pair:
                    _seconds(step, repeats=2)
                repeats = max(1, round(_SECONDS.value / max(_seconds(step, repeats=2) for step in pair)))
                times = [[1e3 * _seconds(step, repeats) for step in pair] for _ in range(_ROUNDS.value)]
                name = f"{framework}, {rule} against Adam, {_WEIGHTS.value} weights, {tensors} tensors"
                ratios.report(name, [ours for ours, _ in times], [theirs for _, theirs in times], "ms")
    figures.write()


if __name__ == "__main__":
    app.run(main)
