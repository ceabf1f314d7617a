"""Command line of the scripts that train at the paper's scale: flags, run folder, study and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from absl import flags

from nos_tf.cli import application, shared_flags, sweep_flags
from nos_tf.common import run_folder, style
from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.tensorflow_loading import load_quietly
from nos_tf.training import machines
from nos_tf.training.interruption import Preempted

if TYPE_CHECKING:
    from nos_tf.training.experiment import Experiment
    from nos_tf.training.study import Plan, Study

SCHEDULES = ("constant", "cosine")
TABLE, FIGURE = "results.md", "curves.png"
# Flags that do not affect the results.
_WITHOUT = shared_flags.WITHOUT_NUMBERS | {"strategy", "tensorboard"}
REFERENCE_BATCH = 256  # Batch size that learning rates refer to when they scale with the batch (Goyal et al., 2017).


def define(
    optimizers: Sequence[str],
    epochs: int,
    batch_size: int,
    schedule: str = "constant",
    seeds: int = 3,
    clip_norm: float | None = None,
) -> None:
    """Defines the flags that these scripts share, with the given defaults."""
    shared_flags.define("<script>")
    sweep_flags.define(optimizers, sweep_flags.PAPER_RATES, seeds)
    flags.DEFINE_integer("epochs", epochs, "Epochs per training.", lower_bound=1)
    flags.DEFINE_integer("batch_size", batch_size, "Examples per step, over all replicas.", lower_bound=1)
    flags.DEFINE_enum("schedule", schedule, SCHEDULES, "Learning-rate schedule: constant, or half a cosine down to 0.")
    flags.DEFINE_integer("warmup_steps", 0, "Steps over which the learning rate rises linearly from 0.", lower_bound=0)
    flags.DEFINE_float("clip_norm", clip_norm, "Clip gradients to this global norm.", lower_bound=1e-30)
    flags.DEFINE_enum(
        "strategy", "none", ("none", "mirrored", "multi_worker"),
        "tf.distribute strategy: one device, all GPUs of this machine, or the machines listed in TF_CONFIG, which must "
        "share the file system of --run_dir.",
    )  # fmt: skip
    flags.DEFINE_bool("mixed_precision", False, "Compute in half precision, with float32 weights.")
    flags.DEFINE_bool("xla", False, "Compile the training step with XLA; on CPUs this makes convolutions far slower.")
    flags.DEFINE_bool("tensorboard", False, "Also write TensorBoard files.")


def define_averages() -> None:
    """Defines `--ema_momentum`, for scripts that can average weights."""
    flags.DEFINE_float(
        "ema_momentum", None, "Also evaluate a running average of the weights with this momentum.", 0.0, 1.0
    )


def main(
    name: str,
    define_flags: Callable[[], None],
    make_experiment: Callable[[Mapping[str, Any]], Experiment],
    columns: Sequence[str],
    plotted: Sequence[str],
) -> NoReturn:
    """Runs a script that only trains, and exits. See `run` for the arguments.

    Args:
      name: Name of the script.
      define_flags: Defines the script's flags, including those of `define`.
      make_experiment: Builds the experiment.
      columns: Metrics to list in the table.
      plotted: Metrics to plot.
    """
    define_flags()
    interrupted = "Interrupted. Everything is saved; rerun the same command with --resume to continue."
    application.run(lambda: run(name, make_experiment, columns, plotted), interrupted)


def run(
    name: str,
    make_experiment: Callable[[Mapping[str, Any]], Experiment],
    columns: Sequence[str],
    plotted: Sequence[str],
) -> None:
    """Runs the study that the flags describe.

    Args:
      name: Name of the script.
      make_experiment: Builds the experiment from the values of all flags; called after TensorFlow is loaded.
      columns: Metrics to list in the table; those that were not measured are left out.
      plotted: Per-epoch metrics to plot.

    Raises:
      RunError: The flags ask for something impossible.
      KeyboardInterrupt: The run was interrupted; everything is saved.
    """
    try:
        _run(name, make_experiment, columns, plotted)
    except Preempted:
        print("Terminated. Everything is saved; rerun the same command with --resume to continue.", flush=True)


def _run(
    name: str,
    make_experiment: Callable[[Mapping[str, Any]], Experiment],
    columns: Sequence[str],
    plotted: Sequence[str],
) -> None:
    values = _values()
    shared_flags.check_data_dir()
    chief = shared_flags.run_dir(name)
    path = machines.own_folder(chief) if values["strategy"] == "multi_worker" else chief
    with RunFolder(path, resume=values["resume"]) as folder:
        if values["resume"] and path != chief:
            machines.take_over(chief, folder)
        load_quietly()
        from nos_tf.training.progress import Progress
        from nos_tf.training.runtime import Runtime, check_batch
        from nos_tf.training.study import Study

        runtime = Runtime(values["strategy"], values["mixed_precision"], values["xla"])
        check_batch(values["batch_size"], runtime.distribute_strategy)
        experiment = make_experiment(values)
        plan = _plan(values, experiment)
        print(f"Run folder: {path}", flush=True)
        folder.begin(name, values | {"data": experiment.dataset}, _WITHOUT)
        for file, content in experiment.files.items():
            run_folder.write_bytes(folder / file, content)
        study = Study(experiment, plan, path)
        with Progress(experiment, study.count, len(study.trainings)) as progress:
            study.run(runtime, progress, values["tensorboard"])
        _report(study, columns, plotted)
        study.check_trained()


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Number of full batches in an epoch.

    Raises:
      RunError: The batch is larger than the training set.
    """
    if batch_size > examples:
        raise RunError(
            f"The batch is larger than the {examples:,} training examples; reduce it. "
            f"Received: --batch_size={batch_size}"
        )
    return examples // batch_size


def check_data(check: Callable[[], None]) -> None:
    """Runs a check of the data before training.

    Args:
      check: Raises `ValueError` if the data cannot be used.

    Raises:
      RunError: The data cannot be used.
    """
    try:
        check()
    except ValueError as error:
        raise RunError(str(error)) from None


def _values() -> dict[str, Any]:
    """Values of all flags except absl's, as JSON-serializable data."""
    return shared_flags.values() | {
        "optimizers": sweep_flags.optimizers(),
        "learning_rates": sweep_flags.learning_rates(),
    }


def _plan(values: Mapping[str, Any], experiment: Experiment) -> Plan:
    """Checks that every optimizer can be made before anything is trained."""
    import tensorflow as tf

    from nos_tf import optimizers
    from nos_tf.training.study import Plan

    settings: dict[str, Any] = {} if values["clip_norm"] is None else {"global_clipnorm": values["clip_norm"]}
    if values.get("ema_momentum") is not None:  # Only some scripts define this flag and `scale_learning_rate`.
        settings |= {"use_ema": True, "ema_momentum": values["ema_momentum"]}
    factor = values["batch_size"] / REFERENCE_BATCH if values.get("scale_learning_rate") else 1.0

    def make(name: str, rate: float, total_steps: int) -> tf.keras.optimizers.Optimizer:
        warmup = values["warmup_steps"]
        rate *= factor
        schedule: Any = rate
        if values["schedule"] == "cosine":
            schedule = tf.keras.optimizers.schedules.CosineDecay(
                0.0 if warmup else rate,
                total_steps - warmup,
                warmup_target=rate if warmup else None,
                warmup_steps=warmup,
            )
        return optimizers.get(name, learning_rate=schedule, total_steps=total_steps, **settings)

    if values["warmup_steps"] and values["schedule"] == "constant":
        raise RunError(
            "Warmup needs --schedule=cosine; choose it or drop --warmup_steps. "
            f"Received: --warmup_steps={values['warmup_steps']}"
        )
    if values["warmup_steps"] >= experiment.total_steps:
        raise RunError(
            f"Training lasts {experiment.total_steps} steps; warm up for fewer. "
            f"Received: --warmup_steps={values['warmup_steps']}"
        )
    rules = {}
    for name in values["optimizers"]:
        try:
            program = getattr(make(name, values["learning_rates"][0], experiment.total_steps), "program", None)
        except (ValueError, ImportError) as error:
            raise RunError(str(error)) from None
        rules[name] = None if program is None else str(program)
    seeds = range(values["seed"], values["seed"] + values["seeds"])
    return Plan(values["optimizers"], make, rules, values["learning_rates"], list(seeds))


def _report(study: Study, columns: Sequence[str], plotted: Sequence[str]) -> None:
    from rich.table import Table

    from nos_tf.training import figures, report

    measured = {name for training in study.trainings.values() for name in training.metrics}
    columns = [name for name in columns if name in measured]
    run_folder.write_text(study.folder / TABLE, report.to_markdown(study, columns))
    if study.selected():
        with run_folder.writing(study.folder / FIGURE):
            figures.figure(study, plotted).savefig(study.folder / FIGURE)
    table = Table(title=f"{study.experiment.name} ({study.experiment.dataset})", title_justify="left")
    for name in report.header(columns):
        table.add_column(name, overflow="fold")
    for row in report.rows(study, columns):
        table.add_row(*row)
    console = style.console()
    console.print(table)
    console.print(f"Run folder: {study.folder}", highlight=False, soft_wrap=True)
