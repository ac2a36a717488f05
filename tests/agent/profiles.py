"""How long property tests look: the same short way in every run, or longer and by chance with DENSACH_LONG=1."""

import os

from hypothesis import settings

LONG = bool(os.environ.get("DENSACH_LONG"))
settings.register_profile("densach", derandomize=not LONG, deadline=None, print_blob=True)
settings.load_profile("densach")


def examples(usual: int) -> int:
    return usual * 40 if LONG else usual
