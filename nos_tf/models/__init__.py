"""Networks that tasks and reproductions share."""
