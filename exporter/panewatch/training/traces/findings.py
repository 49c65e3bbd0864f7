"""What makes steps slow, and what helps: thresholds, each with its reason, and advice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from panewatch.training.traces.account import Account
from panewatch.training.traces.profile import FINDINGS, Finding, Operator
from panewatch.training.traces.wording import write_time

LEAST_WAIT: Final = 0.1
"""Less than a tenth of the time cannot make a training more than 1.11 times as fast."""

LEAST_FREE: Final = 0.1
"""A device that has less free time than this is used well, whatever the host does."""

LEAST_LAUNCH: Final = 0.2
"""The host also works while it gets ahead of the device; a fifth is beyond that."""

MOST_SMALL_SECONDS: Final = 10e-6
"""A launch takes the host 5 to 10 µs: shorter kernels end before the next one is there."""

LEAST_KERNELS: Final = 100
"""Kernels per step; fewer small ones are no use in joining."""

LEAST_PYTHON: Final = 0.3
"""Logging, schedulers and the loop itself take some time in any training."""

LEAST_IDLE: Final = 0.5
"""The device works less than half of the time."""

ADVICE: Final = {
    "data_bound": (
        "Let the data loader keep up: raise num_workers, set persistent_workers=True and a larger "
        "prefetch_factor, move decoding and augmentation to the device or cache their results."
    ),
    "copy_bound": (
        "Copy less, and beside the computing: pin_memory=True in the data loader, "
        "non_blocking=True in .to(), smaller types, and no .cpu() or .numpy() in the loop."
    ),
    "communication_bound": (
        "Overlap communication or send less: larger buckets in DDP, gradient accumulation with "
        "no_sync(), gradients in bfloat16. See first whether another rank is slower: all wait "
        "for it."
    ),
    "sync_bound": (
        "Do not make the host wait for the device in each step: call .item(), print() and "
        "metrics every some steps, keep sums on the device, use torch.where in place of masks."
    ),
    "launch_bound": (
        "The host is too slow to keep the device busy: torch.compile(mode='reduce-overhead') or "
        "CUDA graphs, a larger batch, fused optimizers (fused=True), no Python loops over tensors."
    ),
    "small_kernels": (
        "Join small kernels: torch.compile, fused optimizers (fused=True or foreach=True), fused "
        "attention (scaled_dot_product_attention), a larger batch."
    ),
    "python_bound": (
        "Time goes into code that PyTorch does not see: record with with_stack=True, take logging, "
        "checkpoints and NumPy out of the step, and name the rest with record_function()."
    ),
    "device_idle": (
        "The device rests for most of the time: a larger batch if its memory allows, and first "
        "what the other findings say."
    ),
}
"""What to change, by finding."""


def find(account: Account, kernels: tuple[Operator, ...], scalars: int) -> tuple[Finding, ...]:
    """Return what stands out, in the order of ``FINDINGS``.

    Args:
        account: Where the time went.
        kernels: All of them, with copies.
        scalars: How often one number was fetched from a tensor, as ``.item()`` does.
    """
    if not account.seconds:
        return ()
    found: list[Finding] = []
    for name in FINDINGS:
        share, evidence = _TESTS[name](account, kernels, scalars)
        if evidence:
            found.append(Finding(name, ADVICE[name], evidence, share))
    return tuple(found)


_Verdict = tuple[float, str]
_NO: Final[_Verdict] = (0.0, "")


def _test_data(account: Account, _kernels: tuple[Operator, ...], _scalars: int) -> _Verdict:
    share = account.ratios["data_wait"]
    if share < LEAST_WAIT:
        return _NO
    each = write_time(share * account.seconds / len(account.steps))
    return share, f"{share:.0%} of the time waits for data, {each} per step"


def _test_copies(account: Account, kernels: tuple[Operator, ...], _scalars: int) -> _Verdict:
    share = account.ratios["memcpy"]
    if share < LEAST_WAIT:
        return _NO
    copies = [row for row in kernels if row.name.startswith("Memcpy")]
    seconds = sum(row.self_seconds for row in copies)
    pageable = sum(row.self_seconds for row in copies if "Pageable" in row.name)
    told = f"; {pageable / seconds:.0%} of that is pageable memory" if pageable else ""
    calls = sum(row.calls for row in copies)
    return share, f"{share:.0%} of the time only copies, {calls} copies in the trace{told}"


def _test_communication(
    account: Account, _kernels: tuple[Operator, ...], _scalars: int
) -> _Verdict:
    share = account.ratios["communication"]
    if share < LEAST_WAIT:
        return _NO
    return share, f"{share:.0%} of the time the device only communicates"


def _test_sync(account: Account, _kernels: tuple[Operator, ...], scalars: int) -> _Verdict:
    steps = len(account.steps)
    often = account.syncs >= steps
    if account.device_free < LEAST_FREE or account.sync_ratio < LEAST_WAIT or not often:
        return _NO
    fetched = f", {scalars} numbers fetched from tensors in the trace" if scalars else ""
    return account.sync_ratio, (
        f"the host waits for the device {account.syncs / steps:.0f} times per step and "
        f"{account.sync_ratio:.0%} of the time, and the device is free {account.device_free:.0%}"
        f"{fetched}"
    )


def _test_launches(account: Account, _kernels: tuple[Operator, ...], _scalars: int) -> _Verdict:
    share = account.ratios["host"]
    if not account.on_device or share < LEAST_LAUNCH:
        return _NO
    return share, (
        f"{share:.0%} of the time the host prepares work while the device is free, "
        f"{account.launches / len(account.steps):.0f} launches per step"
    )


def _test_small(account: Account, _kernels: tuple[Operator, ...], _scalars: int) -> _Verdict:
    each = account.kernels / len(account.steps)
    if account.kernel_median >= MOST_SMALL_SECONDS or each < LEAST_KERNELS:
        return _NO
    if account.device_free < LEAST_FREE:
        return _NO
    median = write_time(account.kernel_median)
    return account.device_free, (
        f"{each:.0f} kernels per step, of which half take less than {median}, and the device is "
        f"free {account.device_free:.0%} of the time"
    )


def _test_python(account: Account, _kernels: tuple[Operator, ...], _scalars: int) -> _Verdict:
    share = account.ratios["named"] + account.ratios["nothing"]
    if share < LEAST_PYTHON:
        return _NO
    return share, f"{share:.0%} of the time runs no operator, {account.ratios['named']:.0%} named"


def _test_idle(account: Account, _kernels: tuple[Operator, ...], _scalars: int) -> _Verdict:
    if account.device_free < LEAST_IDLE:
        return _NO
    return account.device_free, f"the device is free {account.device_free:.0%} of the time"


_TESTS: Final[dict[str, Callable[[Account, tuple[Operator, ...], int], _Verdict]]] = {
    "data_bound": _test_data,
    "copy_bound": _test_copies,
    "communication_bound": _test_communication,
    "sync_bound": _test_sync,
    "launch_bound": _test_launches,
    "small_kernels": _test_small,
    "python_bound": _test_python,
    "device_idle": _test_idle,
}
