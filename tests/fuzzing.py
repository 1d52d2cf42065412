"""How many examples hypothesis draws: a few in `make test`, many in `make fuzz`.

A test that wants more or fewer than usual says so as a multiple: `@examples(3)`.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

USUAL = 100
PROFILES = {"default": 1, "fuzz": 100}
"""A profile of hypothesis, chosen by --hypothesis-profile, and its times USUAL."""

for name, times in PROFILES.items():
    settings.register_profile(
        name,
        max_examples=USUAL * times,
        # A machine that is busy is no fault of what is tested.
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def examples(times: float) -> settings:
    """So many times the usual number of examples."""
    usual = settings.default
    assert usual is not None
    return settings(max_examples=max(1, int(usual.max_examples * times)))
