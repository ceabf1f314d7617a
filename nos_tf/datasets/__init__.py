"""Data sets, read through TensorFlow Datasets."""
