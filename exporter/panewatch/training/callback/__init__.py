"""Measures a training from inside, or profiles some steps, and tells the exporter, by files.

Needs nothing but Python's standard library. For Lightning, Hugging Face's Trainer and Keras
there is a module each, which imports its framework: ``lightning``, ``huggingface``, ``keras``.
"""

from panewatch.training.callback.monitor import TrainingMonitor
from panewatch.training.callback.profiler import TrainingProfiler

__all__ = ["TrainingMonitor", "TrainingProfiler"]
