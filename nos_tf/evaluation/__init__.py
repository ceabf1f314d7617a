"""From a program and a task to a reward."""

from nos_tf.evaluation.evaluator import Evaluator, evaluate
from nos_tf.evaluation.protocol import REWARDS, Protocol
from nos_tf.evaluation.result import EpochResult, Evaluation, SweepPoint

__all__ = ["REWARDS", "EpochResult", "Evaluation", "Evaluator", "Protocol", "SweepPoint", "evaluate"]
