"""What the scripts that train at the paper's scale share: flags, the run folder, the study, and what is shown of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from absl import flags

from nos_tf import run_folder, style
from nos_tf.cli import application, shared_flags, sweep_flags
from nos_tf.errors import RunError
from nos_tf.run_folder import RunFolder
from nos_tf.tensorflow_loading import load_quietly
from nos_tf.training import machines
from nos_tf.training.interruption import Preempted

if TYPE_CHECKING:
    from nos_tf.training.experiment import Experiment
    from nos_tf.training.study import Plan, Study

SCHEDULES = ("constant", "cosine")
TABLE, FIGURE = "results.md", "curves.png"
# Flags that change where, how fast or how it is shown, but no number.
_WITHOUT = shared_flags.WITHOUT_NUMBERS | {"strategy", "tensorboard"}
REFERENCE_BATCH = 256  # To which learning rates refer that are scaled with the batch (Goyal et al., 2017).


def define(
    optimizers: Sequence[str],
    epochs: int,
    batch_size: int,
    schedule: str = "constant",
    seeds: int = 3,
    clip_norm: float | None = None,
) -> None:
    """Defines the flags that these scripts share, with the script's own defaults."""
    shared_flags.define("<script>")
    sweep_flags.define(optimizers, sweep_flags.PAPER_RATES, seeds)
    flags.DEFINE_integer("epochs", epochs, "Epochs of each training.", lower_bound=1)
    flags.DEFINE_integer("batch_size", batch_size, "Examples of a step, over all replicas.", lower_bound=1)
    flags.DEFINE_enum("schedule", schedule, SCHEDULES, "How the learning rate falls: not at all, or by a half cosine.")
    flags.DEFINE_integer("warmup_steps", 0, "Steps in which the learning rate rises from 0, linearly.", lower_bound=0)
    flags.DEFINE_float("clip_norm", clip_norm, "Bound of the gradients' global norm.", lower_bound=1e-30)
    flags.DEFINE_enum(
        "strategy", "none", ("none", "mirrored", "multi_worker"),
        "tf.distribute: one device, all GPUs of this machine, or the machines named in TF_CONFIG, which share the file "
        "system of --run_dir.",
    )  # fmt: skip
    flags.DEFINE_bool("mixed_precision", False, "Compute in half precision, with float32 weights.")
    flags.DEFINE_bool("xla", False, "Compile the training step by XLA; on CPUs this makes convolutions far slower.")
    flags.DEFINE_bool("tensorboard", False, "Also write TensorBoard files.")


def define_averages() -> None:
    """Defines the flag of the scripts that can average weights."""
    flags.DEFINE_float(
        "ema_momentum", None, "Also evaluate running averages of the weights, of this momentum.", 0.0, 1.0
    )


def main(
    name: str,
    define_flags: Callable[[], None],
    make_experiment: Callable[[Mapping[str, Any]], Experiment],
    columns: Sequence[str],
    plotted: Sequence[str],
) -> NoReturn:
    """Runs a script that does nothing but train, and exits; for the arguments see `run`.

    Args:
      name: Name of the script.
      define_flags: Defines its flags, those of `define` included.
      make_experiment: Makes what is trained.
      columns: Metrics of the table.
      plotted: Measurements whose curves are drawn.
    """
    define_flags()
    interrupted = "Interrupted. Everything is saved; the same command with --resume goes on."
    application.run(lambda: run(name, make_experiment, columns, plotted), interrupted)


def run(
    name: str,
    make_experiment: Callable[[Mapping[str, Any]], Experiment],
    columns: Sequence[str],
    plotted: Sequence[str],
) -> None:
    """Trains what the flags ask for.

    Args:
      name: Name of the script.
      make_experiment: Makes what is trained from the values of all flags; TensorFlow is loaded by then.
      columns: Metrics of the table; those that were not measured are left out.
      plotted: Measurements of an epoch whose curves are drawn.

    Raises:
      RunError: The flags ask for what cannot be done.
      KeyboardInterrupt: Somebody stopped it; everything is saved.
    """
    try:
        _run(name, make_experiment, columns, plotted)
    except Preempted:
        print("Asked to terminate. Everything is saved; the same command with --resume goes on.", flush=True)


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
        folder.begin(name, values, _WITHOUT)
        for file, content in experiment.files.items():
            run_folder.write_bytes(folder / file, content)
        study = Study(experiment, plan, path)
        with Progress(experiment, study.count, len(study.trainings)) as progress:
            study.run(runtime, progress, values["tensorboard"])
        _report(study, columns, plotted)
        study.check_trained()


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Full batches of an epoch.

    Raises:
      RunError: There is none.
    """
    if batch_size > examples:
        raise RunError(
            f"A batch is larger than the {examples:,} training examples; lower it. Received: --batch_size={batch_size}"
        )
    return examples // batch_size


def check_data(check: Callable[[], None]) -> None:
    """Runs a check of data before anything is trained on them; what it warns of is shown.

    Raises:
      RunError: They cannot be trained on.
    """
    try:
        check()
    except ValueError as error:
        raise RunError(str(error)) from None


def _values() -> dict[str, Any]:
    """All flags but absl's own, as JSON can hold them."""
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
    if values.get("ema_momentum"):  # A flag of some scripts only, as the next one.
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
            "Only --schedule=cosine warms up; choose it or drop --warmup_steps. "
            f"Received: --warmup_steps={values['warmup_steps']}"
        )
    if values["warmup_steps"] >= experiment.total_steps:
        raise RunError(
            f"The training has {experiment.total_steps} steps; warm up for fewer. "
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
