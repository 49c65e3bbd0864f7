"""Experiments: what a search loop found, how it spreads and moves, and the verdict."""
