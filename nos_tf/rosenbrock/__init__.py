"""The paper's control experiment: optimizers on the Rosenbrock function, with and without noise."""
