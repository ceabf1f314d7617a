"""Uses the installed package as its user would; run with the Python of an environment that holds nothing else."""

import pathlib
import subprocess
import sysconfig

import numpy as np
import tensorflow as tf

import nos_tf

STEPS = 10


def main() -> None:
    """Parses a rule, trains a model with it, and asks the commands for help."""
    assert "site-packages" in pathlib.Path(nos_tf.__file__).parts, nos_tf.__file__
    program = nos_tf.parse("exp(sign(g) * sign(m)) * g")
    assert nos_tf.parse(str(program)) == program
    tf.keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(32 * STEPS, 4)).astype(np.float32)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile(nos_tf.optimizers.ProgramOptimizer(program, learning_rate=0.05), "mse")
    labels = inputs.sum(axis=1, keepdims=True)
    before = model.evaluate(inputs, labels, verbose=0)
    model.fit(inputs, labels, batch_size=32, epochs=1, verbose=0)
    after = model.evaluate(inputs, labels, verbose=0)
    assert int(model.optimizer.iterations) == STEPS
    assert after < 0.5 * before, (before, after)
    for command, flag in (("nos-tf-search", "--trials"), ("nos-tf-report", "--output")):
        path = pathlib.Path(sysconfig.get_path("scripts"), command)
        for question, answer in (("--help", command), ("--helpfull", flag)):
            done = subprocess.run([path, question], capture_output=True, text=True, check=False)
            assert answer in done.stdout, done
    print(f"nos_tf {nos_tf.__version__}: loss {before:.3f} before, {after:.3f} after {STEPS} steps")


if __name__ == "__main__":
    main()
