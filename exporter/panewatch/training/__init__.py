"""Training: how far, how fast, how good."""
