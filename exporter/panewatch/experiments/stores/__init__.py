"""Experiments whole and raw, to be backed up, purged and restored."""
