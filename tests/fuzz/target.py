"""What makes a test a target of fuzzing."""

import math
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

ASKED = int(os.environ.get("FUZZ_CASES", "0"))
MOST_EXAMPLES = 5_000
"""In one test of a long run: hypothesis remembers every example that it has tried."""


def target(share: float, usual: int, *, cases_each: int = 1, repeats: bool = True) -> Callable[[Any], Any]:
    """Mark a test as a target that tries this share of all cases that are asked for, or `usual` examples.

    Put it before `@given`. The test takes `part`, the number of its part of a long run, and `tried`. `cases_each`
    is how many cases an example holds. `repeats` is False where what came before counts, so that hypothesis cannot make
    a failure smaller.
    """
    wanted = max(usual, math.ceil(ASKED * share / cases_each)) if ASKED else usual
    parts = math.ceil(wanted / MOST_EXAMPLES)

    def mark(test: Any) -> Any:
        test = settings(
            max_examples=math.ceil(wanted / parts),
            derandomize=not ASKED,
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate, *([Phase.shrink] if repeats else [])),
            suppress_health_check=list(HealthCheck),
        )(test)
        test = pytest.mark.parametrize("part", range(parts))(test)
        return pytest.mark.timeout(0 if ASKED else 120)(test)

    return mark
