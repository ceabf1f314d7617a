"""The page: what the table says in words and numbers, and its data sheet."""

from __future__ import annotations

import hashlib

import numpy as np

from experiments.describe_table import figures, findings
from nos_tf.table import Table, file
from nos_tf.text import markdown_table

_BEST = 15
_CAPTIONS = {
    "distribution": "Values of all distinct rules that train, on a logarithmic scale, and of the known optimizers.",
    "words": f"How often each operand and function stands in the {figures.BEST} best rules, and in all that train.",
    "operands": "The best rule of every pair of operands.",
    "learning_rates": "How sensitive the best rules are to the learning rate, beside Adam and RMSProp: rewards of the "
    "short trainings of the sweep.",
    "seeds": "Noise between seeds, and what is left of a reward that a rule was chosen by.",
    "tasks": "The same rules on a task of another kind.",
}


def render(table: Table, name: str) -> str:
    """The page as Markdown."""
    parts = [
        f"# The table of all one-group rules: {name}",
        "Made by `python -m experiments.describe_table` from the table of the package; do not edit. `python -m "
        "experiments.build_table` made the table, `python -m experiments.verify_table` trains rows of it again.",
        _summary(table),
        "## The best rules",
        "By their mean reward over seeds at their best learning rate; test data beside it, which chose nothing.",
        _best(table),
        *(f"## {title}\n\n{_CAPTIONS[key]}{_numbers(table, key)}\n\n![{title}]({figures.file(key)})"
          for key, title in _TITLES.items()),
        "## Data sheet",
        _sheet(table, name),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


_TITLES = {
    "distribution": "How good rules are",
    "words": "Which words the best rules share",
    "operands": "Reward by pair of operands",
    "learning_rates": "Sensitivity to the learning rate",
    "seeds": "Noise between seeds",
    "tasks": "Another task",
}


def _summary(table: Table) -> str:
    content = table.content
    trained = int(findings.trained(table).sum())
    best, *_ = findings.named(table).items()
    better = int((table.values > best[1]).sum())
    counts = ", ".join(
        f"{int((content.status == number).sum()):,} {status}"
        for number, status in enumerate(content.facts["statuses"])
        if (content.status == number).any()
    )
    return (
        f"{len(content.rule_class):,} rules are {len(table):,} distinct ones, by algebra or by what they do: {counts}. "
        f"{better:,} of the {trained:,} that train have a higher value than {best[0]}, the best of the known "
        f"optimizers ({best[1]:.4f}); the optimum is {table.optimum().reward:.4f}, `{table.optimum().rule}`."
    )


def _best(table: Table) -> str:
    rows = []
    for rank, row in enumerate(table.best(_BEST), start=1):
        test = table.reveal_test(row.rule)
        cells = [f"{row.reward:.4f}", f"{row.learning_rate:.3g}", f"{test.likelihood:.4f}", f"{test.accuracy:.4f}"]
        rows.append([str(rank), f"`{row.rule}`", *cells, f"{test.long_likelihood:.4f}", f"{test.long_accuracy:.4f}"])
    for name, value in findings.named(table).items():
        rows.append(["", name, f"{value:.4f}", "", "", "", "", ""])
    header = (
        "rank", "rule", "value", "learning rate", "test likelihood", "test accuracy", "five times as long", "accuracy",
    )  # fmt: skip
    return markdown_table(header, rows)


def _numbers(table: Table, key: str) -> str:
    content = table.content
    if key == "seeds":
        rewards = content.best_rewards
        within = float(np.sqrt(rewards.var(axis=1, ddof=1).mean()))
        lost = float(rewards[:, 0].mean() - rewards[:, 1:].mean())
        return (
            f" The standard deviation over seeds is {within:.4f}; the seed that chose the {len(rewards):,} best rules "
            f"shows them {lost:.4f} better than the others do."
        )
    if key == "tasks":
        import scipy.stats

        chosen = np.isin(content.second, content.best)
        every, best = (
            float(scipy.stats.spearmanr(table.values[content.second[mask]], content.second_reward[mask]).statistic)
            for mask in (~chosen, chosen)
        )
        return f" Spearman's correlation is {every:.2f} over random rules and {best:.2f} within the best ones."
    return ""


def _sheet(table: Table, name: str) -> str:
    facts, path = table.content.facts, file(name)
    best = len(table.content.best)
    protocol = ", ".join(f"{key} {value}" for key, value in facts["protocol"].items())
    steps = int(table.content.steps.sum())
    rows = [
        ["file", f"`nos_tf/table/{path.name}`, {path.stat().st_size / 1e6:.1f} MB"],
        ["SHA-256", f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`"],
        ["space", facts["space"]],
        ["task and data", f"{facts['task']}: {facts['data']}"],
        ["second task", f"{facts['second_task']}: {facts['second_data']}"],
        ["protocol", protocol],
        [
            "seeds",
            f"{facts['seed']} for all rules, {facts['seeds_of_the_best']} for the {best:,} best",
        ],
        ["cost", f"{steps:,} training steps of the first seed, {facts['seconds_a_step'] * 1e3:.1f} ms each"],
        ["hardware", f"{facts['machine']}, one thread a training"],
        ["versions", ", ".join(f"{key} {value}" for key, value in facts["versions"].items())],
        ["made", f"{facts['made']}, commit {facts['commit']}"],
        ["license", facts["license"]],
        [
            "known biases",
            "One small child and one small data set; learning rates that trail early are given up, so that late "
            "starters are rated too low; all but the best rules have one seed; rules that behave alike on "
            "fixed gradient streams count as one.",
        ],
    ]
    return markdown_table(("", ""), rows)
