"""Searchers by name: policy gradients, random search, regularized evolution and tree descent."""

from nos_tf.searchers import evolution, policy_gradient, random_search, tree_descent  # noqa: F401  Each registers its searchers.
from nos_tf.searchers.policy_gradient import POLICY_GRADIENTS
from nos_tf.searchers.registry import get, names, register, settings
from nos_tf.searchers.searcher import Searcher

__all__ = ["POLICY_GRADIENTS", "Searcher", "get", "names", "register", "settings"]
