"""What makes a run comparable with the paper: the complete original data and the paper's scale.

An experiment writes these facts to `dataset` and `scale` in its `results.json`. A fact that is missing, has another
type or contradicts the run's flags counts as not met. If the paper does not state a fact (size of the Wide ResNet,
length of the ImageNet and translation trainings), the value here is from the model's original paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """A fact of `scale`.

    Attributes:
      key: Key in `scale`.
      name: Readable name.
      values: Values that match the paper.
      at_least: Whether more than the (single) value is fine too.
    """

    key: str
    name: str
    values: tuple[int | str, ...]
    at_least: bool = False


class Scale(NamedTuple):
    """Scale of an experiment in the paper.

    Attributes:
      datasets: Labels of the complete original data.
      facts: What `scale` must state.
      learning_rates: Number of learning rates the paper tried per optimizer; 1 if it does not say.
      rate_per_seed: Whether each seed selects its own learning rate, as a search does.
      noiseless: Deterministic function, for which one training is enough; None if there is none.
    """

    datasets: tuple[str, ...]
    facts: tuple[Fact, ...]
    learning_rates: int = 1
    rate_per_seed: bool = False
    noiseless: str | None = None


PAPER_SCALES: dict[str, Scale] = {
    "paper_child": Scale(
        # Recompressed images will do for the order of optimizers; the data's label is shown with the result.
        ("CIFAR-10", "JPEG-recompressed CIFAR-10"),
        (
            Fact("task", "child", ("cifar10_convnet",)),
            Fact("learning_rates", "learning rates", (7,)),
            Fact("sweep_epochs", "epochs of the sweep", (1,)),
            Fact("epochs", "epochs", (5,)),
            Fact("train_examples", "training examples", (10_000,)),
            Fact("val_examples", "validation examples", (5_000,)),
        ),
        rate_per_seed=True,
    ),
    "cifar10_convnet": Scale(
        ("CIFAR-10",),
        (
            Fact("model", "model", ("ConvNet-32",)),
            Fact("epochs", "epochs", (300,)),
            Fact("schedule", "learning rate schedule", ("constant",)),
            Fact("train_examples", "training examples", (45_000, 50_000)),
            Fact("test_examples", "test examples", (10_000,)),
        ),
    ),
    "cifar10_wide_resnet": Scale(
        ("CIFAR-10",),
        (
            # Depth and width are not stated; 28-10 is from the Wide ResNet paper.
            Fact("model", "model", ("WRN-28-10",)),
            Fact("epochs", "epochs", (300,)),
            Fact("schedule", "learning rate schedule", ("constant",)),
            Fact("train_examples", "training examples", (45_000,)),
            Fact("val_examples", "validation examples", (5_000,)),
            Fact("test_examples", "test examples", (10_000,)),
        ),
        learning_rates=7,
    ),
    "rosenbrock": Scale(
        ("Rosenbrock function of two variables, from (-1.2, 1)",),
        (Fact("iterations", "iterations", (4_000,)),),
        learning_rates=4,
        noiseless="deterministic",
    ),
    "imagenet_mobile": Scale(
        ("ImageNet",),
        (
            Fact("model", "model", ("NASNet-A mobile",)),
            Fact("image_size", "pixels", (224,)),
            # The number of steps is not stated; NASNet's recipe has 250,000 steps of 50 times 32 images.
            Fact("epochs", "epochs", (312,), at_least=True),
            Fact("schedule", "learning rate schedule", ("cosine",)),
            # All, or all but 10,000 that select the learning rate, which the paper tuned again.
            Fact("train_examples", "training examples", (1_281_167, 1_271_167)),
            Fact("test_examples", "test examples", (50_000,)),
        ),
    ),
    "wmt14_gnmt": Scale(
        ("WMT 2014 en-de",),
        (
            Fact("layers", "layers", (8,)),
            Fact("units", "units", (1024,)),
            # The number of steps is not stated; GNMT's recipe has this many batches of 128.
            Fact("steps", "steps", (340_000,), at_least=True),
            Fact("train_examples", "training pairs", (4_508_785,)),
            Fact("test_examples", "test pairs", (3_003,)),
        ),
    ),
}


def is_noiseless(experiment: str, function: str | None) -> bool:
    """Whether trainings of an experiment on this function are deterministic."""
    return function is not None and experiment in PAPER_SCALES and PAPER_SCALES[experiment].noiseless == function


def obstacles(experiment: str, dataset: str, scale: Mapping[str, Any], flags: Mapping[str, Any]) -> tuple[str, ...]:
    """Reasons why a run cannot be compared with the paper; empty if it can.

    Args:
      experiment: Name of the experiment.
      dataset: Label of its data.
      scale: Facts stated in its results.
      flags: Flags of its configuration; an integer flag must agree with the fact of the same name.
    """
    paper = PAPER_SCALES.get(experiment)
    if paper is None:
        return ("no experiment of the paper",)
    data = () if dataset in paper.datasets else (dataset or "unknown data",)
    return (*_unmet(paper.facts, scale, flags), *data)


def _unmet(facts: tuple[Fact, ...], scale: Mapping[str, Any], flags: Mapping[str, Any]) -> Iterator[str]:
    for fact in facts:
        found, wanted = scale.get(fact.key), fact.values[0]
        flag = flags.get(fact.key)
        if type(found) is not type(wanted):
            yield f"{fact.name} unknown"
        elif type(flag) is int and flag != found:
            yield f"{_text(found)} {fact.name} by its results, {_text(flag)} by its flags"
        elif found in fact.values or (fact.at_least and found > wanted):
            continue
        elif isinstance(wanted, int) and isinstance(found, int) and found < wanted:
            yield f"{found:,} of {wanted:,} {fact.name}"
        else:
            yield f"{fact.name} {_text(found)} instead of {_text(wanted)}"


def _text(value: Any) -> str:
    return f"{value:,}" if type(value) is int else ascii(value).strip("'")[:40]
