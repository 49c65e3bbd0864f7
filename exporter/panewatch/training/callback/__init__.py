"""Measures a training from inside and tells the exporter of it, by a file.

Needs nothing but Python's standard library. For Lightning, Hugging Face's Trainer and Keras
there is a module each, which imports its framework: ``lightning``, ``huggingface``, ``keras``.
"""

from panewatch.training.callback.monitor import TrainingMonitor

__all__ = ["TrainingMonitor"]
