"""The tables of a report as plain rows, and the snippet that uses the winner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nos_tf.dsl import Program
from nos_tf.evaluation.result import TRAINED, Evaluation
from nos_tf.search.finals import finalists
from nos_tf.search.reports.run_data import RunData, text
from nos_tf.search.trial import RANDOM, Baseline
from nos_tf.statistics import Interval, mean_interval

_LEADERBOARD = 10  # Rules shown, baselines not counted.


class Entry(NamedTuple):
    """A line of the leaderboard.

    Attributes:
      rank: Place among the rules and baselines shown.
      rule: The rule, with the name of the known optimizer that it equals.
      source: "baseline", or the searcher that found it.
      reward: Reward of the search's own protocol.
      accuracy: Final validation accuracy.
      learning_rate: The rate that the sweep chose.
      status: "trained", or why there is no learning rate.
    """

    rank: int
    rule: str
    source: str
    reward: float
    accuracy: float | None
    learning_rate: float | None
    status: str


class FinalEntry(NamedTuple):
    """A line of the test table: accuracies of fresh trainings, a diverged one counts as 0."""

    rule: str
    source: str
    learning_rate: float
    accuracy: Interval
    trainings: int
    failed: int


def leaderboard(run: RunData) -> list[Entry]:
    """The best rules of the search and all baselines, best reward first."""
    candidates = [
        (trial.reward, run.label(trial.program), trial.source, trial.evaluation)
        for trial in run.ranking[:_LEADERBOARD]
        if trial.evaluation is not None
    ]
    candidates += [
        (baseline.evaluation.reward, _name(baseline), "baseline", baseline.evaluation) for baseline in run.baselines
    ]
    candidates.sort(key=lambda candidate: -candidate[0])
    return [
        Entry(rank, rule, source, reward, evaluation.accuracy, evaluation.learning_rate, evaluation.status)
        for rank, (reward, rule, source, evaluation) in enumerate(candidates, start=1)
    ]


def finals(run: RunData) -> Iterator[tuple[str, str, Program, Evaluation]]:
    """Label, source, rule and evaluation of what was trained afresh: the best rules, then the baselines."""
    for trial in finalists(run.trials):
        assert trial.evaluation is not None
        yield run.label(trial.program), trial.source, trial.program, trial.evaluation
    found = {trial.program for trial in finalists(run.trials)}
    for baseline in run.baselines:
        if baseline.program not in found:
            yield _name(baseline), "baseline", baseline.program, baseline.evaluation


def tests(run: RunData) -> list[FinalEntry]:
    """Test accuracies over fresh seeds, in the order of the search's own rewards."""
    entries = []
    for label, source, program, evaluation in finals(run):
        results = [test.evaluation for test in run.tests if test.program == program]
        # A training that diverged has no accuracy; it counts as 0, not as absent.
        accuracies = [result.test_accuracy or 0.0 for result in results]
        if accuracies and evaluation.learning_rate is not None:
            failed = sum(result.status != TRAINED for result in results)
            interval = mean_interval(accuracies)
            entries.append(FinalEntry(label, source, evaluation.learning_rate, interval, len(accuracies), failed))
    return entries


def accuracies(run: RunData, program: Program) -> list[list[float]]:
    """Validation accuracy after each epoch of every fresh training of a rule that went to its end."""
    results = [test.evaluation for test in run.tests if test.program == program]
    return [[epoch.accuracy for epoch in result.history] for result in results if result.status == TRAINED]


def snippet(run: RunData) -> str | None:
    """Python code that trains a model with the best rule, or None when no rule trained."""
    if not run.ranking:
        return None
    winner = run.ranking[0]
    arguments = [f'"{text(winner.program)}"', f"learning_rate={winner.learning_rate:g}"]
    if winner.program.needs_total_steps:
        arguments.append("total_steps=EPOCHS * STEPS_PER_EPOCH")
    return (
        "import nos_tf\nfrom tensorflow import keras\n\n"
        f"optimizer = nos_tf.optimizers.ProgramOptimizer({', '.join(arguments)})\n"
        "loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)\n"
        'model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])\n'
    )


def _name(baseline: Baseline) -> str:
    return f"{baseline.name}: {text(baseline.program)}"


def verdict(run: RunData) -> list[str]:
    """What can be said of the run in a few sentences, good or bad."""
    sentences = []
    asked = run.flags["trials"]
    if len(run.evaluated) < asked:
        state = "so far" if not run.baselines else "the searcher then only repeated itself"
        sentences.append(f"{len(run.evaluated)} of {asked} distinct rules were evaluated; {state}.")
    if not run.ranking:
        return [
            *sentences,
            "No rule trained at all, though the baselines do: enlarge the search space, or search longer.",
        ]
    best = run.ranking[0]
    known = run.known_name(best.program)
    same = f", which is {known}" if known else ""
    sentences.append(f"The best rule earned a reward of {best.reward:.4f} and was found by {best.source} search{same}.")
    random, others = run.rewards(RANDOM), [source for source in run.sources if source != RANDOM]
    for source in others:
        rewards = run.rewards(source)
        count = min(len(random), len(rewards))
        if count:
            sentences.append(
                f"After {count} rules each, the best of {source} is {max(rewards[:count]):.4f} and of random search "
                f"{max(random[:count]):.4f}; the mean reward of all rules is {sum(rewards) / len(rewards):.3f} and "
                f"{sum(random) / len(random):.3f}."
            )
    if run.baselines:
        top = max(run.baselines, key=lambda baseline: baseline.evaluation.reward)
        sentences.append(f"The best baseline by the same protocol is {top.name} with {top.evaluation.reward:.4f}.")
    return sentences
