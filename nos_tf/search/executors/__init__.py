"""Executors with one interface: in the search's process, in local worker processes, or on a Ray cluster."""
