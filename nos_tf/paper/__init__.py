"""The paper's tables and claims as data, and the ledger that compares runs with them. Does not need TensorFlow."""
