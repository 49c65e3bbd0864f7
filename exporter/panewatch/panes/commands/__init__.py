"""Commands that the shells of panes run: when they began, how long they took, how they ended."""
