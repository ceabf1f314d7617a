"""python -m experiments.rosenbrock [--optimizers=adam,powersign] [--learning_rates=0.1,0.01] [--run_dir=runs/mine]

The paper's control experiment on the Rosenbrock function. `--helpfull` documents all flags;
`experiments/flagfiles/rosenbrock.flags` holds the paper's settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from absl import flags

from nos_tf.cli import application, shared_flags, sweep_flags
from nos_tf.common import run_folder, style
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.tensorflow_loading import load_single_threaded

NAME = "rosenbrock"
TABLE, FIGURE = "rosenbrock.md", "rosenbrock.png"

_NUMBERS = ("optimizers", "learning_rates", "iterations", "noise", "seeds", "seed")  # Flags that affect the results.


def define_flags() -> None:
    """Defines all flags of the command."""
    shared_flags.define(NAME)
    sweep_flags.define(
        ("sgd", "momentum", "rmsprop", "adam", "powersign", "addsign"), ("1e-4", "1e-3", "1e-2", "1e-1"), seeds=30
    )
    flags.DEFINE_integer("iterations", 4000, "Iterations per run.", lower_bound=1)
    flags.DEFINE_float(
        "noise",
        1.0,
        "Standard deviation of Gaussian noise added to each component of the stochastic function's gradient.",
        lower_bound=0.0,
    )


def main() -> NoReturn:
    """Runs the command and exits."""
    define_flags()
    application.run(_main, "Interrupted; nothing was saved. Rerun the same command with --resume to start over.")


def _main() -> None:
    values: dict[str, Any] = {name: flags.FLAGS[name].value for name in _NUMBERS}
    values |= {"optimizers": sweep_flags.optimizers(), "learning_rates": sweep_flags.learning_rates()}
    with RunFolder(shared_flags.run_dir(NAME), resume=flags.FLAGS.resume) as folder:
        load_single_threaded()
        from experiments.rosenbrock.comparison import Comparison

        seeds = range(values["seed"], values["seed"] + values["seeds"])
        comparison = Comparison(
            values["optimizers"], values["learning_rates"], values["iterations"], values["noise"], seeds
        )
        print(f"Run folder: {folder.path}", flush=True)
        kept = {**values, "run_dir": str(folder.path), "resume": flags.FLAGS.resume}
        folder.begin(NAME, kept, frozenset(kept).difference(_NUMBERS))
        path = folder / run_folder.RESULTS
        # Results are only written at the end; everything else takes seconds.
        results = run_folder.read_json(path) if path.exists() else _run(comparison, values, folder.path)
    _show(results, folder.path)


def _run(comparison: Any, values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Runs everything and writes the files, `results.json` last."""
    from experiments.rosenbrock import comparison as comparison_lib
    from experiments.rosenbrock import report

    runs = comparison.run()
    selected = comparison_lib.select(runs)
    chosen = {id(run) for run in selected}
    results = {
        "experiment": NAME,
        "dataset": "Rosenbrock function of two variables, from (-1.2, 1)",
        "scale": {name: values[name] for name in ("iterations", "learning_rates", "noise", "seeds")},
        "runs": [run.to_json(id(run) in chosen) for run in runs],
        "selected": {
            kind: {run.optimizer: run.learning_rate for run in selected if run.function == kind}
            for kind in comparison_lib.FUNCTIONS
        },
    }
    run_folder.write_text(folder / TABLE, report.to_markdown(results))
    with run_folder.writing(folder / FIGURE):
        report.figure(selected).savefig(folder / FIGURE)
    run_folder.write_json(folder / run_folder.RESULTS, results)
    return results


def _show(results: dict[str, Any], folder: Path) -> None:
    from experiments.rosenbrock import report

    style.console().print(report.table(results))
    print(f"Figure: {folder / FIGURE}", flush=True)


if __name__ == "__main__":
    main()
