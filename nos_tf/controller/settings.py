"""Settings of the controller and its learners. No TensorFlow: command lines read them before anything is loaded."""

from __future__ import annotations

import dataclasses

from nos_tf.settings import Settings, setting


@dataclasses.dataclass(frozen=True)
class ControllerSettings(Settings):
    """What all learners of the controller share; the entropy weight is the paper's (section 4.2)."""

    units: int = setting(150, "Units of the controller's LSTM.", at_least=1, flag="units")
    embedding: int = setting(32, "Size of the controller's embedding of a token.", at_least=1, flag="embedding")
    entropy_weight: float = setting(
        0.0015, "Bonus for each nat of the controller's entropy.", at_least=0, flag="entropy_weight"
    )
    baseline_decay: float = setting(
        0.9,
        "Weight of the past in the moving average that rewards are compared with.",
        at_least=0,
        below=1,
        flag="baseline_decay",
    )
    repeats_earn: bool = setting(
        False,
        "Let a rule that equals an earlier one earn its reward again, as in the paper; otherwise it earns 0, which "
        "drives the controller on to new rules.",
        flag="repeats_earn",
    )


_LEARNING_RATE = (
    "Learning rate of the controller's Adam. The paper's is 1e-5, for searches of tens of thousands of rules; the "
    "default learns from a few hundred."
)


@dataclasses.dataclass(frozen=True)
class PPOSettings(ControllerSettings):
    """Settings of `PPO`; the clipping range is that of Schulman et al. (2017)."""

    learning_rate: float = setting(1e-3, _LEARNING_RATE, above=0, flag="controller_learning_rate")
    epochs: int = setting(4, "Steps that PPO takes on each batch.", at_least=1, flag="ppo_epochs")
    clip: float = setting(0.2, "PPO's bound on the change of a token's probability.", above=0, below=1, flag="ppo_clip")


@dataclasses.dataclass(frozen=True)
class ReinforceSettings(ControllerSettings):
    """Settings of `Reinforce`."""

    learning_rate: float = setting(4e-3, _LEARNING_RATE, above=0, flag="controller_learning_rate")


@dataclasses.dataclass(frozen=True)
class TRPOSettings(ControllerSettings):
    """Settings of `TRPO`.

    The few rules of a batch leave the Fisher matrix singular: with less damping, less of what one rule teaches carries
    over to others.
    """

    max_kl: float = setting(
        0.3, "TRPO's bound on the divergence of a step, in nats per rule.", above=0, flag="trpo_max_kl"
    )
    damping: float = setting(0.1, "Added to the diagonal of the Fisher matrix.", at_least=0)
    iterations: int = setting(5, "Iterations of conjugate gradient.", at_least=1)
    halvings: int = setting(10, "Steps that the line search tries.", at_least=1)
