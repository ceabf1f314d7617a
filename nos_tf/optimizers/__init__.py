"""Keras optimizers made from update rules."""

from nos_tf.optimizers import schedules
from nos_tf.optimizers.program_optimizer import ProgramOptimizer
from nos_tf.optimizers.sign_family import AddSign, PowerSign
from nos_tf.optimizers.zoo import get, names

__all__ = ["AddSign", "PowerSign", "ProgramOptimizer", "get", "names", "schedules"]
