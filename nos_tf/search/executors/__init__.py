"""Where trials run, by one protocol: in the process of the search, in local worker processes, or on a Ray cluster."""
