"""What is asked about GPUs, on their dashboard."""

from boards.queries import HOST, select

GPU = f'{HOST}, gpu=~"$gpu"'
"""Matchers of what is told about the chosen GPUs."""

GPU_LABELS = "instance, gpu"
"""The labels that name a GPU."""

GPU_NAME = "{{instance}} {{index}} {{name}}"
"""A GPU in a legend: its index and its name, as `nvidia-smi` shows them."""


def value_of(metric: str, **labels: str) -> str:
    """Ask for one value of each GPU, with its index and name."""
    return named(f"max by ({GPU_LABELS}) ({select(metric, GPU, **labels)})")


def parts_of(metric: str, part: str) -> str:
    """Ask for one value of each part of a GPU, told apart by the label ``part``."""
    return named(f"max by ({GPU_LABELS}, {part}) ({select(metric, GPU)})")


def rate_of(metric: str) -> str:
    """Ask how fast a counter of each GPU grows, per second."""
    return named(f"sum by ({GPU_LABELS}) (rate({select(metric, GPU)}[$__rate_interval]))")


def named(expr: str, labels: str = "index, name") -> str:
    """Add labels of each GPU's info; where it has two for a moment, those of the newer."""
    info = f"topk by ({GPU_LABELS}) (1, timestamp({select('panewatch_gpu_info', GPU)}))"
    return f"{expr}\n+ on ({GPU_LABELS}) group_left ({labels})\n  0 * {info}"
