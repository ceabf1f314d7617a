r"""Times the evaluation of candidate rules: python -m benchmarks.child_evaluation

Three comparisons, each side by side in one run (A B A B ...), as ratios of medians, and a share:

1. a whole candidate on the digits child: the evaluator, against a plain Keras loop of the same protocol that builds,
   compiles and fits a model for every learning rate;
2. a training step of the cifar10_convnet child with an interpreted rule, against the forward and backward pass alone;
3. candidates on the digits child: two worker processes of one thread each, against one;
4. the share of a search's time that goes into proposing, de-duplicating, storing and learning, for each searcher.
"""

from __future__ import annotations

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
from nos_tf.evaluation import Protocol
from nos_tf.tensorflow_loading import load_single_threaded

if TYPE_CHECKING:
    from nos_tf.search.store import Store

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Repetitions of each comparison.", lower_bound=1)
_PARTS = flags.DEFINE_multi_enum(
    "part", ["candidate", "step", "workers", "overhead"], ["candidate", "step", "workers", "overhead"], "What to time."
)

_WARM_UP, _TIMED, _BATCH = 16, 100, 8
RULES = ("g", "adam", "exp(sign(g) * sign(m)) * g", "m * exp(v)", "drop(m, 0.3) * exp(1e-3*w)")


def _seconds(function, *args) -> float:
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def _keras_candidate(task: nos_tf.tasks.Task, protocol: Protocol, rule: str) -> None:
    """The protocol as a plain Keras loop."""
    import tensorflow as tf

    splits = task.load(None)

    def fit(rate: float, epochs: int) -> float:
        model = task.build_model()
        model.compile(
            nos_tf.optimizers.ProgramOptimizer(rule, rate),
            tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile=False,  # XLA's convolutions are many times slower on CPUs.
        )
        validation = (splits.validation.inputs, splits.validation.labels)
        history = model.fit(
            splits.train.inputs,
            splits.train.labels,
            batch_size=task.batch_size,
            epochs=epochs,
            validation_data=validation,
            verbose=0,
            callbacks=[tf.keras.callbacks.TerminateOnNaN()],
        )
        return history.history.get("val_accuracy", [0.0])[-1]

    scores = [fit(rate, protocol.sweep_epochs) for rate in protocol.learning_rates]
    fit(protocol.learning_rates[int(np.argmax(scores))], task.epochs)


def time_candidate(rounds: int) -> None:
    """Ours and a Keras loop, over whole candidates on the digits child."""
    from nos_tf.evaluation import Evaluator

    task = nos_tf.tasks.get("digits")
    evaluator = Evaluator(task)
    evaluator.evaluate(nos_tf.parse(RULES[0]))  # Traces the graphs, once per process.
    ours, theirs = [], []
    for index in range(rounds):
        rule = RULES[index % len(RULES)]
        ours.append(_seconds(evaluator.evaluate, nos_tf.parse(rule), index))
        theirs.append(_seconds(_keras_candidate, task, Protocol(), rule))
    report("candidate on the digits child, ours against a Keras compile/fit loop", ours, theirs, "s")


def time_step(rounds: int) -> None:
    """A training step of the cifar10_convnet child with an interpreted rule, and its bare forward and backward pass."""
    import tensorflow as tf

    from nos_tf.evaluation.trainer import Trainer
    from nos_tf.tasks import Split, Splits, cifar10_convnet
    from nos_tf.tasks.task import Task

    rng = np.random.default_rng(0)
    steps, batch = 100, 100  # An epoch of the paper's task.
    images = rng.integers(0, 256, (steps * batch, 32, 32, 3), np.uint8)
    labels = rng.integers(0, 10, steps * batch).astype(np.int32)
    split = Split(images, labels)
    task = Task(
        "random images", "random images", lambda _: Splits(split, split, split), cifar10_convnet.build_model, batch
    )
    trainer = Trainer(task)
    model = cifar10_convnet.build_model()
    all_images, all_labels = tf.constant(images), tf.constant(labels)

    @tf.function
    def bare() -> tf.Tensor:
        total = tf.constant(0.0)
        for index in tf.range(steps):
            part = tf.range(index * batch, (index + 1) * batch)
            with tf.GradientTape() as tape:
                logits = model(tf.cast(tf.gather(all_images, part), tf.float32), training=True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(all_labels, part), logits)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, model.trainable_variables)
            # Every gradient is needed for the sum, so none can be left out of the graph.
            total += loss + tf.add_n([tf.reduce_sum(gradient) for gradient in gradients])
        return total

    for rule in ("g", "exp(sign(g) * sign(m)) * g"):
        program = nos_tf.parse(rule)
        trainer.reset(0)
        trainer.train_epoch(program, 1e-4, 0, 1, seed=0)
        bare()
        ours, theirs = [], []
        for _ in range(rounds):
            trainer.reset(0)
            ours.append(_seconds(trainer.train_epoch, program, 1e-4, 0, 1, 0) / steps * 1e3)
            theirs.append(_seconds(lambda: bare().numpy()) / steps * 1e3)
        report(
            f"step of the cifar10_convnet child under {rule}, against forward and backward pass alone",
            ours,
            theirs,
            "ms",
        )


def time_workers(rounds: int) -> None:
    """Two worker processes, and one, on the same rules of the digits child."""
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
    """What a search does besides evaluating rules, as a share of its time, the tracing of its graphs left out."""
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
                f"de-duplicating and storing, {sum(learning) / total:.2%} for learning; {_TIMED} rules "
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
