"""What happened in a pane in two hours, with the truth about it.

Commands that were really run, training logs and shells of agents come from real logs; what
is written here are failures as their programs print them, and text that only looks like
one. Numbers and names differ with the seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, Literal, TypeAlias

from logs import CORPORA, read_log

Truth: TypeAlias = Literal["failure", "no failure", "unknown"]

_TRAINING_LINES: Final = 900
"""Lines of one training log: half an hour of a line every two seconds."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Lines that belong together, and what they tell of.

    ``unknown`` is what nobody has judged: other people's shells.
    """

    name: str
    truth: Truth
    lines: list[str]


def _import_error(random: Random) -> list[str]:
    module = random.choice(["flash_attn", "moola.utils", "deepspeed", "apex.amp"])
    return [
        "$ python train.py --config base.yaml",
        "Traceback (most recent call last):",
        f'  File "/home/ada/exp/train.py", line {random.randint(2, 60)}, in <module>',
        f"    import {module}",
        f"ModuleNotFoundError: No module named '{module}'",
    ]


def _out_of_memory(random: Random) -> list[str]:
    wanted = random.randint(2, 30)
    return [
        "$ python train.py --batch 256",
        "epoch 0 step 10 loss 2.31",
        "Traceback (most recent call last):",
        f'  File "/home/ada/exp/train.py", line {random.randint(100, 300)}, in step',
        "    loss.backward()",
        f"torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate {wanted}.00 GiB",
    ]


def _collective_timeout(random: Random) -> list[str]:
    first = random.randint(0, 7)
    return ["$ torchrun --nproc_per_node 8 train.py"] + [
        f"[rank{rank}]:[E ProcessGroupNCCL.cpp:607] [Rank {rank}] Watchdog caught collective"
        " operation timeout: WorkNCCL(SeqNum=1712, OpType=ALLREDUCE, NumelIn=1024,"
        f" NumelOut=1024, Timeout(ms)=1800000) ran for 18000{rank}7 milliseconds before timing out."
        for rank in (first, (first + 1) % 8, (first + 3) % 8)
    ]


def _disk_full(random: Random) -> list[str]:
    return [
        "$ python evaluate.py",
        "Traceback (most recent call last):",
        f'  File "/home/ada/exp/save.py", line {random.randint(10, 90)}, in save',
        "    torch.save(state, path)",
        f"OSError: [Errno 28] No space left on device: '/data/step_{random.randint(1, 9)}000.pt'",
    ]


def _killed(random: Random) -> list[str]:
    return ["$ ./prepare.sh", f"shard {random.randint(1, 40)} of 64", "Killed"]


def _transfer_broken(random: Random) -> list[str]:
    return [
        "$ rsync -a out/ box:/data/out/",
        f"client_loop: send disconnect: Broken pipe after {random.randint(2, 9)} files",
        "rsync: [sender] write error: Broken pipe (32)",
        "rsync error: error in rsync protocol data stream (code 12) at io.c(848)",
    ]


def _tests_fail(random: Random) -> list[str]:
    good = random.randint(20, 90)
    return [
        "$ pytest -q",
        "..........F.....",
        "=================================== FAILURES ===================================",
        "E       assert 3 == 4",
        "=========================== short test summary info ============================",
        "FAILED tests/test_sampler.py::test_lengths - assert 3 == 4",
        f"1 failed, {good} passed in {random.randint(2, 9)}.31s",
    ]


def _compile_error(random: Random) -> list[str]:
    line = random.randint(10, 400)
    return [
        "$ make",
        "cc -O2 -c kernel.c",
        f"kernel.c:{line}:12: error: 'stride' undeclared (first use in this function)",
        "make: *** [Makefile:8: kernel.o] Error 1",
    ]


def _push_refused(_random: Random) -> list[str]:
    return [
        "$ git push",
        "To github.com:ada/exp.git",
        " ! [rejected]        main -> main (fetch first)",
        "error: failed to push some refs to 'github.com:ada/exp.git'",
    ]


FAILURES: Final[tuple[Callable[[Random], list[str]], ...]] = (
    _import_error, _out_of_memory, _collective_timeout, _disk_full, _killed, _transfer_broken,
    _tests_fail, _compile_error, _push_refused,
)  # fmt: skip

HARMLESS: Final = (
    ["$ ls *.ckpt", "(eval):1: no matches found: *.ckpt"],
    ["$ python -m exp.train", "Usage: python -m exp.train [OPTIONS] CONFIG", "", "Options:",
     "  --on-error [skip|abort]  What to do about a failed shard.",
     "  --fail-fast              Stop at the first error."],
    ["$ ruff check .", "All checks passed!", "$ mypy exp", "Success: no issues found in 41 files"],
    ["$ grep -rn error exp/", "exp/io.py:14:    raise RuntimeError('no shard')",
     "exp/io.py:31:        log.error('failed to open %s', path)"],
    ["$ pytest -v -k error", "tests/test_io.py::test_error_is_raised PASSED      [ 50%]",
     "tests/test_io.py::test_failed_shard_is_skipped PASSED      [100%]",
     "============================== 2 passed in 0.41s ==============================="],
    ["$ ninja -C build", "[41/41] Linking CXX executable bench", "0 errors, 0 warnings"],
    ["$ git log --oneline -3", "1f2e3d4 Fix error handling in the sampler",
     "9a8b7c6 Abort when a shard fails", "5d6e7f8 Handle exceptions of workers"],
)  # fmt: skip
"""Shell chatter, help, results without errors, quoted text."""


def stage(random: Random, failures: int) -> list[Scene]:
    """Return the scenes of one pane in an order of their own."""
    scenes = [
        Scene(make.__name__.strip("_"), "failure", make(random))
        for make in (FAILURES[number % len(FAILURES)] for number in range(failures))
    ]
    scenes += [Scene("harmless", "no failure", list(lines)) for lines in HARMLESS]
    scenes += [*_read_runs(), *_read_shells(), *_read_training(random)]
    random.shuffle(scenes)
    return scenes


def _read_runs() -> Iterator[Scene]:
    for text in (CORPORA / "labels" / "toolruns.jsonl").read_text().splitlines():
        label = json.loads(text)
        status = label["exit_code"]
        truth: Truth = "unknown" if status is None else "failure" if status else "no failure"
        yield Scene(label["file"], truth, _join(CORPORA / "toolruns" / label["file"]))


def _read_shells() -> Iterator[Scene]:
    for path in sorted((CORPORA / "transcripts").iterdir()):
        yield Scene(path.name, "unknown", _join(path))


def _read_training(random: Random) -> Iterator[Scene]:
    labels = (CORPORA / "labels" / "training.jsonl").read_text().splitlines()
    names = sorted({json.loads(text)["file"] for text in labels})
    healthy = [name for name in names if not name.startswith("generated-here/")]
    for name in random.sample(healthy, 3):
        lines = _join(CORPORA / "training" / name)
        yield Scene(name, "no failure", lines[:_TRAINING_LINES])


def _join(path: Path) -> list[str]:
    return [line for block in read_log(path) for line in block]
