"""The command lines: flags, exit codes, and what is printed. The scripts of `experiments/` are thin over these."""
