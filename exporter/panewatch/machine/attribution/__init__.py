"""Which pane uses the machine."""
