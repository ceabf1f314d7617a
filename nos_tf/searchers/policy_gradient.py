"""The paper's searcher: a recurrent controller trained by policy gradients.

Source: Bello et al. (2017), section 4.2.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from nos_tf.controller.learner import Learner
from nos_tf.controller.policy import Policy
from nos_tf.controller.ppo import PPO
from nos_tf.controller.reinforce import Reinforce
from nos_tf.controller.trpo import TRPO
from nos_tf.dsl.program import Program
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.searchers.searcher import State, check_observation, check_state, identity

LEARNERS: dict[str, type[Learner]] = {"ppo": PPO, "trpo": TRPO, "reinforce": Reinforce}


class PolicyGradient:
    """Samples from a policy, and updates it once an observation.

    The learners are on-policy: observe a batch before proposing the next one.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        learner: str,
        units: int = 150,
        embedding: int = 32,
        repeats_earn: bool = False,
        **settings: Any,
    ):
        """Makes the policy and its learner.

        Args:
          space: What to search.
          seed: Of the initial weights and all draws, at least 0.
          learner: "ppo", "trpo" or "reinforce".
          units: Size of the LSTM.
          embedding: Size of a token's embedding.
          repeats_earn: Whether a program that equals an earlier one earns its reward again, as in the paper. By default
            it earns 0, which drives the policy on to rules that it does not know yet.
          **settings: Of the learner, e.g. `learning_rate`.
        """
        self._space = space
        self._seed = seed
        self._policy = Policy(space, units, embedding, seed)
        call = inspect.signature(LEARNERS[learner]).bind(self._policy, **settings)
        call.apply_defaults()
        self._learner = LEARNERS[learner](**call.arguments)
        resolved = {name: value for name, value in call.arguments.items() if name != "policy"}
        resolved |= {"units": units, "embedding": embedding, "repeats_earn": repeats_earn}
        self._identity = identity(learner, space, seed, **resolved)
        self._repeats_earn = repeats_earn
        self._proposed = 0
        self._metrics: dict[str, float] = {}

    def propose(self, count: int) -> list[Program]:
        seed = np.random.SeedSequence((self._seed, self._proposed)).generate_state(2)
        self._proposed += count
        return [self._space.decode(tokens) for tokens in self._policy.sample(count, seed.view(np.int32).tolist())]

    def observe(self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]) -> None:
        tokens = check_observation(self._space, programs, rewards, repeats)
        earned = np.asarray(rewards, np.float64)
        if not self._repeats_earn:
            earned = np.where(repeats, 0.0, earned)
        self._metrics = self._learner.update(tokens, earned)

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
