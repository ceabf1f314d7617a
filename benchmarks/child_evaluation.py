r"""Times the evaluation of candidate rules: python -m benchmarks.child_evaluation

Comparisons, each timed alternately (A B A B ...) and reported as ratios of medians, and a share:

1. a whole candidate on the digits child network: the evaluator against plain loops that train a model to the end at
   every rate the evaluator tried, with Keras' compile and fit and, if PyTorch is installed, eager PyTorch;
2. a training step with an interpreted rule: for the digits child network against the same step with plain SGD, for
   cifar10_convnet against only the forward and backward pass;
3. candidates on the digits child network: two single-threaded worker processes against one;
4. the share of a search's time spent on proposing, deduplicating, storing and learning, for each searcher.
"""

from __future__ import annotations

import importlib.util
import pathlib
import tempfile
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from absl import app, flags

import nos_tf
from benchmarks import figures
from benchmarks.ratios import report
from nos_tf.common.tensorflow_loading import load_single_threaded

if TYPE_CHECKING:
    from nos_tf.search.store import Store

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Repetitions of each comparison.", lower_bound=1)
_PARTS = flags.DEFINE_multi_enum(
    "part", ["candidate", "step", "workers", "overhead"], ["candidate", "step", "workers", "overhead"], "What to time."
)

_WARM_UP, _TIMED, _BATCH = 16, 100, 8
_POWERSIGN = "exp(sign(g) * sign(m)) * g"
RULES = ("g", "adam", _POWERSIGN, "m * exp(v)", "drop(m, 0.3) * exp(1e-3*w)")


def _seconds(function, *args) -> float:
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def _keras_candidate(task: nos_tf.tasks.Task, rates: Sequence[float], rule: str) -> None:
    """Builds, compiles and fits a model for every rate."""
    import tensorflow as tf

    splits = task.load(None)
    for rate in rates:
        model = task.build_model()
        model.compile(
            nos_tf.optimizers.ProgramOptimizer(rule, rate),
            tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile=False,  # XLA's convolutions are many times slower on CPUs.
        )
        model.fit(
            splits.train.inputs,
            splits.train.labels,
            batch_size=task.batch_size,
            epochs=task.epochs,
            validation_data=(splits.validation.inputs, splits.validation.labels),
            verbose=0,
            callbacks=[tf.keras.callbacks.TerminateOnNaN()],
        )


def _torch_candidate(task: nos_tf.tasks.Task, rates: Sequence[float]) -> None:
    """Trains a model for every rate in an eager PyTorch loop with PowerSign, and scores it after every epoch."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    splits = task.load(None)

    def tensors(split: nos_tf.tasks.Split) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.from_numpy(split.inputs.astype(np.float32) / 16.0).permute(0, 3, 1, 2).contiguous()
        return images, torch.from_numpy(split.labels.astype(np.int64))

    (images, labels), (validation_images, validation_labels) = tensors(splits.train), tensors(splits.validation)
    for rate in rates:
        layers: list[nn.Module] = []
        for channels in (1, 16):
            layers += [nn.Conv2d(channels, 16, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(16, eps=1e-3)]
        model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 64, 10))
        weights = list(model.parameters())
        averages = [torch.zeros_like(weight) for weight in weights]
        for _ in range(task.epochs):
            model.train()
            for batch in torch.randperm(len(labels)).split(task.batch_size):
                loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
                if not torch.isfinite(loss):
                    break
                gradients = torch.autograd.grad(loss, weights)
                with torch.no_grad():
                    for weight, average, gradient in zip(weights, averages, gradients, strict=True):
                        average.lerp_(gradient, 0.1)
                        weight -= rate * torch.exp(torch.sign(gradient) * torch.sign(average)) * gradient
            model.eval()
            with torch.no_grad():
                nn.functional.cross_entropy(model(validation_images), validation_labels).item()


def time_candidate(rounds: int) -> None:
    """Times the evaluator against plain loops on whole candidates for the digits child network."""
    from nos_tf.evaluation import Evaluator

    task = nos_tf.tasks.get("digits")
    evaluator = Evaluator(task)
    evaluator.evaluate(nos_tf.parse(RULES[0]))  # Traces the graphs, once per process.
    ours, theirs = [], []
    for index in range(rounds):
        rule = RULES[index % len(RULES)]
        start = time.perf_counter()
        rates = [point.learning_rate for point in evaluator.evaluate(nos_tf.parse(rule), index).sweep]
        ours.append(time.perf_counter() - start)
        theirs.append(_seconds(_keras_candidate, task, rates, rule))
    report("candidate on the digits child, ours against a Keras compile/fit loop", ours, theirs, "s")
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed; skipping it.")
        return
    powersign = nos_tf.parse(_POWERSIGN)
    rates = [point.learning_rate for point in evaluator.evaluate(powersign).sweep]
    _torch_candidate(task, rates)
    ours, theirs = [], []
    for index in range(rounds):
        ours.append(_seconds(evaluator.evaluate, powersign, index))
        theirs.append(_seconds(_torch_candidate, task, rates))
    report("candidate PowerSign on the digits child, ours against an eager PyTorch loop", ours, theirs, "s")


def time_step(rounds: int) -> None:
    """Times a training step of each child network with an interpreted rule against a bare one."""
    from nos_tf.tasks import Split, Splits, cifar10_convnet
    from nos_tf.tasks.task import Task

    rng = np.random.default_rng(0)
    steps, batch = 20, 100  # Batches as in the paper's task.
    images = rng.integers(0, 256, (steps * batch, 32, 32, 3), np.uint8)
    split = Split(images, rng.integers(0, 10, steps * batch).astype(np.int32))
    paper = Task("cifar10_convnet", "random", lambda _: Splits(split, split, split), cifar10_convnet.build_model, batch)
    _compare_step(nos_tf.tasks.get("digits"), rounds * 10, sgd=True)
    _compare_step(paper, rounds, sgd=False)


def _compare_step(task: nos_tf.tasks.Task, rounds: int, sgd: bool) -> None:
    """Times our step against TensorFlow with plain SGD, or against only the forward and backward pass."""
    import tensorflow as tf

    from nos_tf.evaluation.trainer import Trainer

    trainer = Trainer(task)
    steps = trainer.steps_per_epoch
    model = task.build_model()
    train = task.load(None).train
    all_images, all_labels = tf.constant(train.inputs), tf.constant(train.labels)

    @tf.function
    def bare(order: tf.Tensor) -> tf.Tensor:
        total = tf.constant(0.0)
        for index in tf.range(steps):
            with tf.GradientTape() as tape:
                logits = model(tf.cast(tf.gather(all_images, order[index]), tf.float32), training=True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(all_labels, order[index]), logits)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, model.trainable_variables)
            if sgd:
                for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
                    weight.assign_sub(1e-4 * gradient)
                total += loss
            else:
                # The sum needs every gradient, so none is pruned from the graph.
                total += loss + tf.add_n([tf.reduce_sum(gradient) for gradient in gradients])
        return total

    order = tf.constant(trainer.batches(0, 0))
    for rule in ("g", _POWERSIGN):
        program = nos_tf.parse(rule)
        ours, theirs = [], []
        for index in range(rounds + 1):
            trainer.reset(0)
            our_seconds = _seconds(trainer.train, program, 1e-4, 0, range(steps), 1, 0)
            their_seconds = _seconds(lambda: bare(order).numpy())
            if index:  # The first round traces.
                ours.append(our_seconds / steps * 1e3)
                theirs.append(their_seconds / steps * 1e3)
        against = "a step with plain SGD" if sgd else "forward and backward pass alone"
        report(f"step of the {task.name} child under {rule}, against {against}", ours, theirs, "ms")


def time_workers(rounds: int) -> None:
    """Times two worker processes against one on the same rules for the digits child network."""
    from nos_tf.search.executors.job import Job
    from nos_tf.search.executors.setup import EvaluatorSetup
    from nos_tf.search.executors.worker_processes import WorkerProcesses

    jobs = [Job(index, nos_tf.parse(rule), seed=index) for index, rule in enumerate(RULES * 4)]
    setup = EvaluatorSetup("digits").to_json()
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "workers.log"
        with WorkerProcesses(1, setup, log, 600.0) as one, WorkerProcesses(2, setup, log, 600.0) as two:
            # Each worker traces its graphs first.
            list(one.run(jobs[:2]))
            list(two.run(jobs[:4]))
            alone, together = [], []
            for _ in range(rounds):
                alone.append(_seconds(lambda: list(one.run(jobs))) / len(jobs))
                together.append(_seconds(lambda: list(two.run(jobs))) / len(jobs))
    report("candidate on the digits child, one worker against two", alone, together, "s")


def time_overhead() -> None:
    """Measures the share of a search's time not spent evaluating rules, without the tracing of graphs."""
    from nos_tf import searchers
    from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
    from nos_tf.search.executors.in_process import InProcess
    from nos_tf.search.executors.setup import EvaluatorSetup
    from nos_tf.search.loop import Stage, run_stage
    from nos_tf.search.observer import Observer
    from nos_tf.search.store import Store

    space = SearchSpace(num_groups=2, constraints=frozenset(CONSTRAINTS))
    setup = EvaluatorSetup("digits")
    with InProcess(setup.build) as executor:
        for name in ("random", "evolution", "ppo", "trpo"):
            searcher = searchers.get(name, space, 0)
            learning: list[float] = []
            observe = searcher.observe

            def timed(*observed, observe=observe, learning=learning) -> None:
                learning.append(_seconds(observe, *observed))

            searcher.observe = timed  # type: ignore[method-assign]
            with tempfile.TemporaryDirectory() as folder, Store.create(pathlib.Path(folder) / "s.sqlite", {}) as store:
                run_stage(Stage(name, searcher, _WARM_UP, _BATCH, 0), store, executor, Observer())
                before = _evaluation_seconds(store)
                learning.clear()
                total = _seconds(
                    run_stage, Stage(name, searcher, _WARM_UP + _TIMED, _BATCH, 0), store, executor, Observer()
                )
                evaluating = _evaluation_seconds(store) - before
                proposed = len(store.trials())
            figures.record(f"{name}: share for proposing", 1 - (evaluating + sum(learning)) / total)
            figures.record(f"{name}: share for learning", sum(learning) / total)
            print(
                f"{name}: {1 - (evaluating + sum(learning)) / total:.2%} of the search's time for proposing, "
                f"deduplicating and storing, {sum(learning) / total:.2%} for learning; {_TIMED} rules "
                f"({proposed} proposals with the first {_WARM_UP} rules), {total:.1f} s",
                flush=True,
            )


def _evaluation_seconds(store: Store) -> float:
    return sum(trial.evaluation.seconds for trial in store.trials() if trial.evaluation is not None)


def main(argv: Sequence[str]) -> None:
    del argv
    load_single_threaded()
    if "candidate" in _PARTS.value:
        time_candidate(_ROUNDS.value)
    if "step" in _PARTS.value:
        time_step(_ROUNDS.value)
    if "workers" in _PARTS.value:
        time_workers(_ROUNDS.value)
    if "overhead" in _PARTS.value:
        time_overhead()
    figures.write()


if __name__ == "__main__":
    app.run(main)
