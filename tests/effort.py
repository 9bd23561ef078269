"""How many examples a test has: all in `make test`, a fifth in `make check`.

Both choose the same examples in every run. `make explore` chooses new random ones, and ten times as
many.
"""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

Example = TypeVar("Example")

FULL_PROFILE = "full"
QUICK_PROFILE = "quick"
EXPLORE_PROFILE = "explore"
FULL_EXAMPLES = 100
QUICK_EXAMPLES = 20
EXPLORE_EXAMPLES = 1000


def examples(count: int) -> int:
    """The number of examples with the profile that pytest was started with.

    Args:
        count: the number in a full run.
    """
    profile = settings.default
    assert profile is not None
    return max(1, count * profile.max_examples // FULL_EXAMPLES)


def some(values: Sequence[Example]) -> Sequence[Example]:
    """All values, or every fifth of them if the profile is that of `make check`."""
    step = FULL_EXAMPLES // examples(FULL_EXAMPLES)
    return values[:: max(1, step)]
