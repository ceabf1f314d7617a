"""The paper's tables and claims as data, and the ledger that puts run folders beside them. Needs no TensorFlow."""
