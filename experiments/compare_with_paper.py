"""python -m experiments.compare_with_paper --results_dir=runs [--format=text|markdown|html] [--output=ledger.html]

Puts every run below a folder beside the paper's tables and claims. `nos_tf/paper/ledger.py` and `claims.py` say what
each status means, `scale.py` what a run must have been to count.
"""

from nos_tf.commands import compare_with_paper

if __name__ == "__main__":
    compare_with_paper.main()
