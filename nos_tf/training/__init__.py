"""Harness for the large reproductions: distribution, mixed precision, exact resume, logging, learning-rate sweeps."""
