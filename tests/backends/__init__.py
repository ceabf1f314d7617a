"""Tests of the optimizers on every Keras backend: TensorFlow, JAX and PyTorch."""
