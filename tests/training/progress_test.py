import io

from rich.console import Console

from nos_tf.training.progress import Progress
from tests.training import study_case


def shown(terminal):
    now = [0.0]
    console = Console(file=io.StringIO(), width=120, force_terminal=terminal, highlight=False, color_system=None)
    experiment = study_case.experiment(epochs=2)  # Ten steps per epoch, five examples per step.
    with Progress(experiment, trainings=3, done=1, console=console, clock=lambda: now[0]) as progress:
        progress.on_training("adam lr=0.1 seed=0")
        for step in range(1, 11):
            now[0] += 2.0
            progress.on_step(step, 0.25 if step == 5 else None)
        with console.capture() as captured:
            console.print(progress._bar.get_renderable())
        progress.on_epoch({"epoch": 1, "loss": 0.5, "val_accuracy": 0.75})
    return captured.get(), console.file.getvalue()


def test_shows_position_speed_and_remaining_time():
    bar, printed = shown(terminal=False)
    # Ten of the forty remaining steps took 20 s, which is 0.5 steps or 2.5 examples per second.
    rest = "2 examples/s  ETA 1 min 0 s"
    assert bar.startswith("[2/3] adam lr=0.1 seed=0  epoch 1/2  step 10/10  loss 0.25 ")
    assert bar.rstrip().endswith(rest)
    assert printed == f"[2/3] adam lr=0.1 seed=0  epoch 1/2  loss 0.5  val_accuracy 0.75  {rest}\n"


def test_terminal_has_a_live_line_and_keeps_the_epochs():
    _, printed = shown(terminal=True)
    assert "val_accuracy 0.75" in printed
    assert "examples/s" in printed
