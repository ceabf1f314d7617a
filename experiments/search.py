"""python -m experiments.search [--task=digits] [--searcher=ppo] [--run_dir=runs/mine] [--resume]

Searches for an update rule. `--helpfull` documents all flags, grouped by child network, searcher and run;
`experiments/flagfiles/` holds complete configurations:
`python -m experiments.search --flagfile=experiments/flagfiles/paper_search.flags --data_dir=...`.
"""

from nos_tf.search import command

if __name__ == "__main__":
    command.main()
