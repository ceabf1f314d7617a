"""Tests that every optimizer of the package must pass. A new optimizer is one line in `subjects.py`."""
