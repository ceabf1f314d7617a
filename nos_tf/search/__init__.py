"""The search: a loop that proposes, evaluates, records and learns, backed by a persistent store."""
