"""python -m experiments.search [--task=digits] [--searcher=ppo] [--run_dir=runs/mine] [--resume]

Searches for an update rule; `--helpfull` documents every flag, those of child, searcher and run apart, and
`experiments/flagfiles/` holds whole set-ups:
`python -m experiments.search --flagfile=experiments/flagfiles/paper_search.flags --data_dir=...`.
"""

from nos_tf.search import command

if __name__ == "__main__":
    command.main()
