"""python -m experiments.export "exp(sign(g) * sign(m)) * g" --to=torch [--output=powersign.py]

Writes a rule, one of the paper's by its name, or the winner of a search by its run folder, as one file that needs
another framework and nothing of this package: keras, optax, torch, numpy, latex or markdown.
"""

from nos_tf.exporters import command

if __name__ == "__main__":
    command.main()
