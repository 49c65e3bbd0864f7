"""Profiler traces of trainings: where the time of a step goes."""
