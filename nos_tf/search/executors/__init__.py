"""Where trials run, by one protocol: in the process of the search, or in local worker processes."""
