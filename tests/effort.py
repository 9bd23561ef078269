"""How much of a random test runs: all of it in `make test`, a fifth in `make check`."""

from hypothesis import settings

FULL_PROFILE = "full"
QUICK_PROFILE = "quick"
FULL_EXAMPLES = 100
QUICK_EXAMPLES = 20


def examples(count: int) -> int:
    """The number of examples with the profile that pytest was started with.

    Args:
        count: the number in a full run.
    """
    profile = settings.default
    assert profile is not None
    return max(1, count * profile.max_examples // FULL_EXAMPLES)
