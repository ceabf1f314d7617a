"""The paper's searcher: a recurrent controller trained by policy gradients.

Source: Bello et al. (2017), section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nos_tf.controller.settings import ControllerSettings, PPOSettings, ReinforceSettings, TRPOSettings
from nos_tf.dsl.program import Program
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.searchers import registry
from nos_tf.searchers.registry import register
from nos_tf.searchers.searcher import State, check_observation, check_state, identity

if TYPE_CHECKING:
    from nos_tf.controller.learner import Learner
    from nos_tf.controller.policy import Policy


class PolicyGradient:
    """Samples from a policy and updates it once per observation.

    `observe` assumes that the programs were drawn from the current policy: observe a batch before proposing the next
    one, or use `observe_late`.

    Args:
      name: Name of the searcher.
      seed: Seed of the initial weights and all draws, at least 0.
      policy: The controller.
      learner: Improves the policy.
      settings: The learner's settings.
    """

    def __init__(self, name: str, seed: int, policy: Policy, learner: Learner, settings: ControllerSettings):
        self._space = policy.space
        self._seed = seed
        self._policy = policy
        self._learner = learner
        self._identity = identity(name, policy.space, seed, settings)
        self._repeats_earn = settings.repeats_earn
        self._proposed = 0
        self._metrics: dict[str, float] = {}

    def propose(self, count: int) -> list[Program]:
        seed = np.random.SeedSequence((self._seed, self._proposed)).generate_state(2)
        self._proposed += count
        return [self._space.decode(tokens) for tokens in self._policy.sample(count, seed.view(np.int32).tolist())]

    def log_probs(self, programs: Sequence[Program]) -> np.ndarray:
        tokens = np.stack([self._space.encode(program) for program in programs])
        return self._policy.log_probs(tokens)[0].numpy()

    def observe(self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]) -> None:
        self._learn(programs, rewards, repeats, None)

    def observe_late(
        self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool], log_probs: np.ndarray
    ) -> None:
        self._learn(programs, rewards, repeats, log_probs)

    def _learn(
        self,
        programs: Sequence[Program],
        rewards: Sequence[float],
        repeats: Sequence[bool],
        log_probs: np.ndarray | None,
    ) -> None:
        tokens = check_observation(self._space, programs, rewards, repeats)
        earned = np.asarray(rewards, np.float64)
        if not self._repeats_earn:
            earned = np.where(repeats, 0.0, earned)
        self._metrics = self._learner.update(tokens, earned, log_probs)

    def metrics(self) -> dict[str, float]:
        return dict(self._metrics)

    def state(self) -> dict[str, np.ndarray]:
        return {
            "identity": self._identity,
            "proposed": np.array(self._proposed, np.int64),
        } | self._learner.state()

    def restore(self, state: State) -> None:
        check_state(state, self.state())
        self._proposed = int(state["proposed"])
        self._learner.restore(state)
        self._metrics = {}


# TensorFlow is loaded when a searcher is created, not when its settings are read.


@register("ppo", PPOSettings)
def _ppo(space: SearchSpace, seed: int, settings: PPOSettings) -> PolicyGradient:
    from nos_tf.controller.ppo import PPO

    policy = _policy(space, seed, settings)
    return PolicyGradient("ppo", seed, policy, PPO(policy, settings), settings)


@register("trpo", TRPOSettings)
def _trpo(space: SearchSpace, seed: int, settings: TRPOSettings) -> PolicyGradient:
    from nos_tf.controller.trpo import TRPO

    policy = _policy(space, seed, settings)
    return PolicyGradient("trpo", seed, policy, TRPO(policy, settings), settings)


@register("reinforce", ReinforceSettings)
def _reinforce(space: SearchSpace, seed: int, settings: ReinforceSettings) -> PolicyGradient:
    from nos_tf.controller.reinforce import Reinforce

    policy = _policy(space, seed, settings)
    return PolicyGradient("reinforce", seed, policy, Reinforce(policy, settings), settings)


def _policy(space: SearchSpace, seed: int, settings: ControllerSettings) -> Policy:
    from nos_tf.controller.policy import Policy

    return Policy(space, settings.units, settings.embedding, seed)


POLICY_GRADIENTS = tuple(name for name in registry.names() if isinstance(registry.settings(name), ControllerSettings))
