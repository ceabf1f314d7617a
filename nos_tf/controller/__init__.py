"""The recurrent controller, and three ways to train it."""
