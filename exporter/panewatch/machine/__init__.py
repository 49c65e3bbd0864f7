"""The machine under the panes, and which of them uses it."""
