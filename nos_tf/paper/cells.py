"""All numbers in the paper's tables, and those read off its figure, as data.

Sources: Table 1 and the ConvNet figure of Bello et al. (2017); the ImageNet and translation tables of its arXiv
extension, 1709.07417v2. The last table is from a later paper (ENOS, 2022). Statements without a table are in `claims`.
"""

from __future__ import annotations

from typing import NamedTuple

from nos_tf.paper.trust import Trust

BEST_RULE = "best rule"  # Row of a figure that does not say which rule it shows.


class Column(NamedTuple):
    """A column of a table.

    Attributes:
      metric: Name of the metric in `results.json`.
      heading: Heading as printed in the paper.
      unit: Unit of the printed numbers.
      decimals: Decimals printed in the paper; None if it prints no number.
      factor: Factor that converts a measured number to the unit.
      higher_is_better: Whether higher is better.
      read_off: Error of numbers read off a figure; None for printed numbers.
    """

    metric: str
    heading: str
    unit: str = "%"
    decimals: int | None = 1
    factor: float = 100.0
    higher_is_better: bool = True
    read_off: float | None = None

    @property
    def tolerance(self) -> float:
        """How far a number may differ from the paper's: half of the last printed digit, or the read-off error."""
        if self.read_off is not None:
            return self.read_off
        return 0.0 if self.decimals is None else 0.5 * 10**-self.decimals


class Row(NamedTuple):
    """A row of a table.

    Attributes:
      optimizer: Name in `nos_tf.optimizers`, or `BEST_RULE`.
      printed: Name as printed in the paper.
      values: One number per column.
    """

    optimizer: str
    printed: str
    values: tuple[float, ...]


class Table(NamedTuple):
    """A table, or the numbers of a figure.

    Attributes:
      key: Short name.
      title: What the table shows and where it is from.
      experiment: Name of the experiment that reproduces it, or None.
      trust: How far its numbers can be trusted.
    """

    key: str
    title: str
    experiment: str | None
    trust: Trust
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


_ACCURACIES = (
    Column("final_val_accuracy", "Final Val"),
    Column("final_test_accuracy", "Final Test"),
    Column("best_val_accuracy", "Best Val"),
    Column("best_test_accuracy", "Best Test"),
)

CONVNET = Table(
    "convnet",
    "ConvNet on CIFAR-10, 300 epochs (figure, read at about epoch 290, ±0.003)",
    "cifar10_convnet",
    Trust.OWN,
    (Column("final_test_accuracy", "accuracy", unit="", decimals=3, factor=1.0, read_off=0.003),),
    (
        Row(BEST_RULE, "best rule", (0.674,)),
        Row("momentum", "Momentum", (0.670,)),
        Row("adam", "Adam", (0.659,)),
        Row("sgd", "SGD", (0.652,)),
        Row("rmsprop", "RMSProp", (0.632,)),
    ),
)

TABLE_1 = Table(
    "table_1",
    "Wide ResNet on CIFAR-10, 300 epochs, no learning rate decay, best of 7 learning rates (ICML Table 1)",
    "cifar10_wide_resnet",
    Trust.RECOLLECTED,
    _ACCURACIES,
    (
        Row("sgd", "SGD", (92.0, 91.8, 92.9, 91.9)),
        Row("momentum", "Momentum", (92.7, 92.1, 93.1, 92.3)),
        Row("adam", "Adam", (90.4, 90.1, 91.8, 90.7)),
        Row("rmsprop", "RMSProp", (90.7, 90.3, 91.4, 90.3)),
        Row("powersign-plus-clip-g", "[e^{sign(g)*sign(m)} + clip(g,1e-4)] * g", (92.5, 92.4, 93.8, 93.1)),
        Row("clip-m-exp-v", "clip(m,1e-4) * e^v", (93.5, 92.5, 93.8, 92.7)),
        Row("m-exp-v", "m * e^v", (93.1, 92.4, 93.8, 92.6)),
        Row("powersign", "g * e^{sign(g)*sign(m)}", (93.1, 92.8, 93.8, 92.8)),
        Row("powersign-drop-0.3", "drop(g,0.3) * e^{sign(g)*sign(m)}", (92.7, 92.2, 93.6, 92.7)),
        Row("m-exp-g2", "m * e^{g^2}", (93.1, 92.5, 93.6, 92.4)),
        Row("drop-m-over-exp-g2", "drop(m,0.1) / (e^{g^2} + eps)", (92.6, 92.4, 93.5, 93.0)),
        Row("powersign-drop-0.1", "drop(g,0.1) * e^{sign(g)*sign(m)}", (92.8, 92.4, 93.5, 92.2)),
        Row("clip-rmsprop-plus-drop-m", "clip(RMSProp,1e-5) + drop(m,0.3)", (90.8, 90.8, 91.4, 90.9)),
        Row("adam-powersign", "Adam * e^{sign(g)*sign(m)}", (92.6, 92.0, 93.4, 92.0)),
        Row("adam-exp-m", "Adam * e^m", (92.9, 92.8, 93.3, 92.7)),
        Row("g-plus-drop-m", "g + drop(m,0.3)", (93.4, 92.9, 93.7, 92.9)),
        Row("drop-m-exp-g3", "drop(m,0.1) * e^{g^3}", (92.8, 92.7, 93.7, 92.8)),
        Row("g-minus-clip-g2", "g - clip(g^2,1e-4)", (93.4, 92.8, 93.7, 92.8)),
        Row("exp-g-minus-exp-m", "e^g - e^m", (93.2, 92.5, 93.5, 93.1)),
        Row("drop-m-exp-w", "drop(m,0.3) * e^{1e-3 w}", (93.2, 93.0, 93.5, 93.2)),
    ),
)

IMAGENET = Table(
    "imagenet",
    "NASNet-A mobile on ImageNet (arXiv v2)",
    "imagenet_mobile",
    Trust.RECOLLECTED,
    (Column("final_test_top1", "top-1"), Column("final_test_top5", "top-5")),
    (
        Row("rmsprop-nasnet", "RMSProp", (73.5, 91.5)),  # With the settings of NASNet's authors.
        Row("powersign-cd", "PowerSign-cd", (73.9, 91.9)),
        # The paper does not print the number of restarts; 10 is the milder of the two it uses.
        Row("addsign-rd10", "AddSign-rd", (73.8, 91.6)),
    ),
)

GNMT = Table(
    "gnmt",
    "GNMT on WMT'14 English-German (arXiv v2)",
    "wmt14_gnmt",
    Trust.RECOLLECTED,
    (
        Column("final_perplexity", "train perplexity", "", decimals=2, factor=1.0, higher_is_better=False),
        Column("final_test_bleu", "BLEU", "", factor=1.0),
    ),
    (
        Row("adam", "Adam", (1.49, 24.5)),
        Row("powersign", "g * e^{sign(g)sign(m)}", (1.39, 25.0)),
    ),
)

ENOS = Table(
    "enos",
    "A later paper, ENOS (2022): its own ConvNet on CIFAR-10, 5 epochs (no experiment here runs that network)",
    None,
    Trust.UNMARKED,
    (Column("final_test_accuracy", "accuracy", decimals=2),),
    (
        Row(BEST_RULE, "best of ENOS", (77.02,)),
        Row("powersign-cd", "PowerSign-cd", (76.21,)),
        Row("addsign-cd", "AddSign-cd", (76.07,)),
        Row("adam", "Adam", (73.42,)),
    ),
)

TABLES = (CONVNET, TABLE_1, IMAGENET, GNMT, ENOS)
