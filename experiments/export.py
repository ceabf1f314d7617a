"""python -m experiments.export "exp(sign(g) * sign(m)) * g" --to=torch [--output=powersign.py]

Writes a rule, given as text, by name or by the run folder of a search (for its winner), as one file for another
framework that does not need this package: keras, optax, torch, numpy, latex or markdown.
"""

from nos_tf.exporters import command

if __name__ == "__main__":
    command.main()
