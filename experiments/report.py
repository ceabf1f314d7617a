"""python -m experiments.report --run_dir=runs/one [--run_dir=runs/another] [--output=page.html] [--optuna=study.db]

Rebuilds the report of a run from its store, or writes one page that shows several runs side by side. With `--optuna`
(extra [optuna]), also writes the runs as studies for optuna-dashboard.
"""

from nos_tf.search.reports import command

if __name__ == "__main__":
    command.main()
