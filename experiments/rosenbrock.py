"""python -m experiments.rosenbrock [--optimizers=adam,powersign] [--learning_rates=0.1,0.01] [--run_dir=runs/mine]

The paper's control experiment on the Rosenbrock function; `--helpfull` documents every flag, and
`experiments/flagfiles/rosenbrock.flags` holds the paper's settings.
"""

from nos_tf.commands import rosenbrock

if __name__ == "__main__":
    rosenbrock.main()
