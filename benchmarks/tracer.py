"""Records a real training with PyTorch's profiler, for ``traces.py``; needs PyTorch.

Usage: ``tracer.py TRACE STEPS``. It writes the trace, and prints the profiler's own table as JSON:
own microseconds by name.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, schedule


def record(path: str, steps: int) -> dict[str, float]:
    """Train a small transformer on the CPU, record its steps, and return own times."""
    own: dict[str, float] = {}
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    model = nn.Sequential(nn.Linear(32, 64), nn.TransformerEncoder(layer, 2), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters())
    data = torch.utils.data.TensorDataset(torch.randn(4 * (steps + 4), 8, 32))

    def export(profiler: Any) -> None:
        profiler.export_chrome_trace(path)
        for row in profiler.key_averages():
            own[row.key] = own.get(row.key, 0.0) + row.self_cpu_time_total

    with profile(
        activities=[ProfilerActivity.CPU],
        schedule=schedule(wait=1, warmup=1, active=steps, repeat=1),
        on_trace_ready=export,
        record_shapes=True,
    ) as profiler:
        for (batch,) in torch.utils.data.DataLoader(data, batch_size=4):
            optimizer.zero_grad()
            model(batch).square().mean().backward()
            optimizer.step()
            profiler.step()
    return own


if __name__ == "__main__":
    print(json.dumps(record(sys.argv[1], int(sys.argv[2]))))
