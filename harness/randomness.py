"""Equal seeds, equal results: the random generators that components draw from, and what else would differ.

On one machine and its CPU, with the same number of cores, equal seeds give equal logits, bit for bit: the generators of
Python, numpy and torch are set, a batch depends on its number and not on who loads it, hashes are the sandbox's, and
the number of threads is counted out, not measured.

What is not covered: a `train` that was ended by its clock, or that looks at a clock; GPUs; random numbers from
elsewhere than the global generators, and transforms with a state of their own (`check` warns of both); a network whose
logits for one image depend on the others of its batch, because each run shows the images in another order.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    State: TypeAlias = tuple[Any, Any, torch.Tensor]


def seed_all(seed: int) -> None:
    """Set every generator, those of all GPUs included."""
    _seed_python_and_numpy(seed)
    torch.manual_seed(seed)


def repeatable() -> None:
    """Have torch add up in one order: the gradient of `table[index]` differed in 27 of 30 tries on two threads.

    What has no such form warns on stderr and goes on. New memory is not filled for it, which would cost time.
    """
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # a module made by hand


@contextmanager
def seeded_aside(seed: int) -> Iterator[None]:
    """Set the CPU's generators for a while, then give them back as they were: 60 microseconds.

    So what a batch looks like depends on its number alone, not on which process loads it nor on what `train` draws.
    """
    before = state()
    _seed_python_and_numpy(seed)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002 - components use the global generator
        torch.set_rng_state(before[2])


def state() -> State:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - as above


def same(one: State, other: State) -> bool:
    """Whether nothing was drawn between two states."""
    numbers = zip(one[1][1:], other[1][1:], strict=True)
    return one[0] == other[0] and all(np.array_equal(*pair) for pair in numbers) and torch.equal(one[2], other[2])


def mixed(*numbers: int) -> int:
    """One seed out of several numbers: 10 microseconds."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _seed_python_and_numpy(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % (1 << 32))  # noqa: NPY002 - as above
