"""The language of update rules: programs, their text, and the search spaces they are drawn from."""

from nos_tf.dsl.algebra.canonical import canonical_key, canonical_keys
from nos_tf.dsl.errors import ProgramError
from nos_tf.dsl.parser import parse
from nos_tf.dsl.program import Group, Program, evaluate
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace

__all__ = [
    "CONSTRAINTS",
    "Group",
    "Program",
    "ProgramError",
    "SearchSpace",
    "canonical_key",
    "canonical_keys",
    "evaluate",
    "parse",
]
