"""Files in the run folder of a search, besides its configuration."""

STORE = "trials.sqlite"
WORKER_LOG = "workers.log"
REPORT = "report.html"
LEADERBOARD_TABLE = "leaderboard.csv"
DIFFERENCES = "differences.csv"
