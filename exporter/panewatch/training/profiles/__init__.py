"""Profiles of trainings: traces that profilers left, read and shown."""
