"""The search: a loop of proposing, evaluating, recording and learning, over a store that survives its process."""
