"""Flags of a search that say how long it is, and where its rules are trained."""

from __future__ import annotations

from absl import flags

from nos_tf.search.configuration import Configuration

RAY = ("ray_address", "worker_cpus", "worker_gpus")  # Of no use to the other executors.


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_integer("trials", 300, "Distinct rules to evaluate, the random reference included.", lower_bound=1)
    flags.DEFINE_integer(
        "random_trials",
        None,
        "How many of the trials are uniform random search, run first: the reference that the searcher is compared with "
        "and learns nothing from. By default a quarter.",
        lower_bound=0,
    )
    flags.DEFINE_integer(
        "test_seeds",
        20,
        "Fresh trainings of each finalist and baseline on test data; twice as many for what they leave undecided.",
        lower_bound=1,
    )

    flags.DEFINE_enum(
        "executor",
        None,
        ["in_process", "processes", "ray"],
        "Where rules are trained: in the search's own process, in others of this machine, or on a Ray cluster. By "
        "default as --workers asks.",
    )
    flags.DEFINE_integer(
        "workers",
        None,
        "Workers, each of one thread; the trials do not depend on their number. By default one for each core, at most "
        "one for each rule of a batch; on a Ray cluster as many as it has room for, and more when nodes join. 1 trains "
        "in the search's own process.",
        lower_bound=1,
    )
    flags.DEFINE_string(
        "ray_address",
        Configuration.ray_address,
        "Ray cluster: local starts one on this machine, auto takes the one that this machine is part of, HOST:PORT "
        "names its head.",
    )
    flags.DEFINE_float("worker_cpus", 1.0, "Cores of a Ray node that one worker takes.", lower_bound=0.001)
    flags.DEFINE_float("worker_gpus", 0.0, "GPUs of a Ray node that one worker takes, or a part.", lower_bound=0.0)
    flags.DEFINE_integer(
        "in_flight",
        None,
        "Rules that are out at once while the searcher goes on proposing, and learns from them in the order that they "
        "come back in: as many as there are workers, or some more. By default a batch is learned from before the next "
        "is proposed, and the trials do not depend on timing.",
        lower_bound=1,
    )
    flags.DEFINE_float(
        "trial_timeout",
        600.0,
        "Seconds after which a worker counts as hanging; its rule is tried once more.",
        lower_bound=0.001,
    )
    flags.DEFINE_bool("tensorboard", False, "Also write TensorBoard scalars and HParams to the run folder.")
