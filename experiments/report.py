"""python -m experiments.report --run_dir=runs/one [--run_dir=runs/another] [--output=page.html] [--optuna=study.db]

Rebuilds the report of a run from its store, or writes one page about several runs side by side. With
`--optuna` (extra [optuna]), they become studies too, for optuna-dashboard.
"""

from nos_tf.search.reports import command

if __name__ == "__main__":
    command.main()
