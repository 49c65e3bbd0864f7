"""Experiments in files of JSON lines."""
