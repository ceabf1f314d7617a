"""Settings of the controller and its learners. Without TensorFlow, since command lines read them before loading it."""

from __future__ import annotations

import dataclasses

from nos_tf.common.settings import Settings, setting


@dataclasses.dataclass(frozen=True)
class ControllerSettings(Settings):
    """Settings shared by all learners of the controller; the entropy weight is the paper's (section 4.2)."""

    units: int = setting(150, "Number of units in the controller's LSTM.", at_least=1, flag="units")
    embedding: int = setting(32, "Size of the controller's token embeddings.", at_least=1, flag="embedding")
    entropy_weight: float = setting(
        0.0015, "Bonus per nat of the controller's entropy.", at_least=0, flag="entropy_weight"
    )
    baseline_decay: float = setting(
        0.9,
        "Decay rate of the moving average that rewards are compared with.",
        at_least=0,
        below=1,
        flag="baseline_decay",
    )
    repeats_earn: bool = setting(
        False,
        "Give a rule that equals an earlier one its reward again, as in the paper; otherwise it earns 0, which pushes "
        "the controller toward new rules.",
        flag="repeats_earn",
    )


_LEARNING_RATE = (
    "Learning rate of the controller. The paper uses 1e-5, for searches of tens of thousands of rules; the default "
    "learns from a few hundred."
)


@dataclasses.dataclass(frozen=True)
class PPOSettings(ControllerSettings):
    """Settings of `PPO`; the clipping range is that of Schulman et al. (2017)."""

    learning_rate: float = setting(1e-3, _LEARNING_RATE, above=0, flag="controller_learning_rate")
    epochs: int = setting(4, "Number of steps that PPO takes on each batch.", at_least=1, flag="ppo_epochs")
    clip: float = setting(0.2, "PPO's bound on the change of a token's probability.", above=0, below=1, flag="ppo_clip")


@dataclasses.dataclass(frozen=True)
class ReinforceSettings(ControllerSettings):
    """Settings of `Reinforce`."""

    learning_rate: float = setting(4e-3, _LEARNING_RATE, above=0, flag="controller_learning_rate")


@dataclasses.dataclass(frozen=True)
class TRPOSettings(ControllerSettings):
    """Settings of `TRPO`.

    With only a few rules per batch, the Fisher matrix is singular: with less damping, less of what one rule teaches
    carries over to others.
    """

    max_kl: float = setting(
        0.3, "TRPO's bound on the KL divergence of a step, in nats per rule.", above=0, flag="trpo_max_kl"
    )
    damping: float = setting(0.1, "Value added to the diagonal of the Fisher matrix.", at_least=0)
    iterations: int = setting(5, "Number of conjugate gradient iterations.", at_least=1)
    halvings: int = setting(10, "Number of step sizes that the line search tries.", at_least=1)
