"""The experiments, each in one file or folder: `python -m experiments.NAME --helpfull` documents its flags."""

from nos_tf.cli import application

application.name_missing_packages()
