"""Errors: what went wrong in a pane, how bad it is, whether it is still open, what to do."""
