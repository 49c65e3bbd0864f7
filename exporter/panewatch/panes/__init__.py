"""Panes: what each pane is doing, for how long, and who waits for whom."""
