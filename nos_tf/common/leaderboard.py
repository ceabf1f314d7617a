"""The file name of a search's leaderboard and the verdicts in it."""

LEADERBOARD = "leaderboard.json"  # In the run folder.
BETTER, WORSE, UNDECIDED = VERDICTS = ("better", "worse", "undecided")  # Compared with the tuned baselines.
