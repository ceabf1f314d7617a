"""The table of all one-group rules: every rule's reward, known without training. Needs only NumPy.

Example:
>>> table = nos_tf.table.load("digits")
>>> table.query("sign(g) * m").reward
"""

from nos_tf.table.table import Row, Table, TestRow, file, load, names

__all__ = ["Row", "Table", "TestRow", "file", "load", "names"]
