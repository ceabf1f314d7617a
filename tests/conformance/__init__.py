"""What every optimizer of the package must do, whatever its rule. A newcomer is one line in `subjects.py`."""
