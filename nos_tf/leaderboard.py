"""How a search's leaderboard is called, and the words in it that who reads one relies on."""

LEADERBOARD = "leaderboard.json"  # In the run folder.
BETTER, WORSE, UNDECIDED = VERDICTS = ("better", "worse", "undecided")  # Than the tuned baselines.
