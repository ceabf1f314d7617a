"""Decides which update rules are equal: their algebra, and the canonical keys based on it."""
