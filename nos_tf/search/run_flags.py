"""Search flags for the length of the run and the workers."""

from __future__ import annotations

from absl import flags

from nos_tf.search.configuration import Configuration

RAY = ("ray_address", "worker_cpus", "worker_gpus")  # Only for `--executor=ray`.


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_integer("trials", 1_000, "Distinct rules to evaluate, including the random reference.", lower_bound=1)
    flags.DEFINE_integer(
        "random_trials",
        None,
        "Number of trials spent on uniform random search. They run first, and serve as a reference from which the "
        "searcher does not learn. By default a quarter of the trials.",
        lower_bound=0,
    )
    flags.DEFINE_integer(
        "test_seeds",
        Configuration.test_seeds,
        "Seeds for testing each finalist and baseline on test data; doubled if the result is undecided.",
        lower_bound=1,
    )

    flags.DEFINE_enum(
        "executor",
        None,
        ["in_process", "processes", "ray"],
        "Where rules are trained: in the search's own process, in local worker processes, or on a Ray cluster. By "
        "default in_process for one worker, otherwise processes.",
    )
    flags.DEFINE_integer(
        "workers",
        None,
        "Number of single-threaded workers; it does not affect the trials. By default one per core, but at most one "
        "per rule in a batch; on a Ray cluster as many as fit, and more when nodes join. 1 trains in the search's own "
        "process.",
        lower_bound=1,
    )
    flags.DEFINE_string(
        "ray_address",
        Configuration.ray_address,
        "Ray cluster: local starts one on this machine, auto uses the one this machine belongs to, HOST:PORT connects "
        "to the head of one.",
    )
    flags.DEFINE_float(
        "worker_cpus", Configuration.worker_cpus, "CPU cores per worker on a Ray node.", lower_bound=0.001
    )
    flags.DEFINE_float(
        "worker_gpus", Configuration.worker_gpus, "GPUs per worker on a Ray node; may be a fraction.", lower_bound=0.0
    )
    flags.DEFINE_integer(
        "in_flight",
        None,
        "Number of rules in training at once while the searcher keeps proposing; it learns from them in the order in "
        "which they finish. Use the number of workers or slightly more. By default the searcher learns from each batch "
        "before it proposes the next, and the trials do not depend on timing.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "trial_timeout",
        Configuration.trial_timeout,
        "Seconds after which a worker counts as hung and its rule is retried once.",
        lower_bound=0.001,
    )
    flags.DEFINE_bool("tensorboard", False, "Also write TensorBoard scalars and HParams to the run folder.")
