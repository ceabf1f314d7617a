"""Tasks, which define what candidate rules are rewarded for. `register` adds your own."""

from nos_tf.tasks import (  # noqa: F401  Each registers itself.
    breast_cancer_mlp,
    cifar10_convnet,
    diabetes_mlp,
    digits,
    digits_autoencoder,
    digits_mlp,
    digits_rows,
    photo_denoising,
    topics_attention,
    topics_gru,
    wine_softmax,
)
from nos_tf.tasks.checking import TaskWarning, check
from nos_tf.tasks.objective import CROSS_ENTROPY, SQUARED_ERROR, Objective
from nos_tf.tasks.task import Split, Splits, Task, get, names, register

__all__ = [
    "CROSS_ENTROPY",
    "SQUARED_ERROR",
    "Objective",
    "Split",
    "Splits",
    "Task",
    "TaskWarning",
    "check",
    "get",
    "names",
    "register",
]
