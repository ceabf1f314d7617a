"""Code snippets for subprocesses that save and load models with the package's optimizers and schedules."""

# Needs `import nos_tf`. Defines one optimizer of each kind, by name.
OPTIMIZERS = """
total, schedules = 100, nos_tf.optimizers.schedules
OPTIMIZERS = {
    "power": nos_tf.optimizers.PowerSign(0.1, sign_decay="cd", total_steps=total),
    "add": nos_tf.optimizers.AddSign(schedules.LinearCosineDecay(0.1, total)),
    "program": nos_tf.optimizers.ProgramOptimizer("clip(adam, 1e-4) - drop(m, 0.3)", 0.1),
    "noisy": nos_tf.optimizers.PowerSign(schedules.NoisyLinearCosineDecay(0.1, total)),
}
"""
# Needs `sys` and Keras' `models`. Loads each model, which was saved under its optimizer's name after one step.
LOAD = """
for name in ("power", "add", "program", "noisy"):
    model = models.load_model(f"{sys.argv[1]}/{name}.keras")
    assert int(model.optimizer.iterations) == 1, name
    assert type(model.optimizer).__module__.startswith("nos_tf."), name
"""
