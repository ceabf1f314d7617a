"""Tasks: what a candidate rule is rewarded for. A user's own becomes one by `register`."""

from nos_tf.tasks import cifar10_convnet, digits, digits_rows  # noqa: F401  Each registers itself.
from nos_tf.tasks.checking import TaskWarning, check
from nos_tf.tasks.task import Split, Splits, Task, get, names, register

__all__ = ["Split", "Splits", "Task", "TaskWarning", "check", "get", "names", "register"]
