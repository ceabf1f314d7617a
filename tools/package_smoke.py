"""Uses the installed wheel like a user would; run it in an environment with only the wheel, without extras."""

import pathlib
import subprocess
import sysconfig

import numpy as np
import tensorflow as tf

import nos_tf

STEPS = 10


def main() -> None:
    """Parses a rule, trains a model with PowerSign, and checks that the commands report their missing extra."""
    assert "site-packages" in pathlib.Path(nos_tf.__file__).parts, nos_tf.__file__
    program = nos_tf.parse("exp(sign(g) * sign(m)) * g")
    assert nos_tf.parse(str(program)) == program
    tf.keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(32 * STEPS, 4)).astype(np.float32)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile(nos_tf.optimizers.PowerSign(learning_rate=0.05), "mse")
    labels = inputs.sum(axis=1, keepdims=True)
    before = model.evaluate(inputs, labels, verbose=0)
    model.fit(inputs, labels, batch_size=32, epochs=1, verbose=0)
    after = model.evaluate(inputs, labels, verbose=0)
    assert int(model.optimizer.iterations) == STEPS
    assert after < 0.5 * before, (before, after)
    for command in ("nos-tf-search", "nos-tf-report"):
        path = pathlib.Path(sysconfig.get_path("scripts"), command)
        done = subprocess.run([path, "--run_dir=runs"], capture_output=True, text=True, check=False)
        assert done.returncode == 2, done
        assert "nos_tf[search]" in done.stderr, done
        assert done.stderr.count("\n") == 1, done
    print(f"nos_tf {nos_tf.__version__}: loss {before:.3f} before, {after:.3f} after {STEPS} steps")


if __name__ == "__main__":
    main()
