"""A measured figure, what it is held against, and how both are shown."""

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`value` in `unit`; `against` is the floor or peer measured in the same run (None: there is none), `goal` what we hold
    ourselves to, in words; `met` None where nothing was promised."""

    what: str
    value: float
    unit: str
    against: float | None = None
    against_what: str = ""
    goal: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        return None if not self.against else self.value / self.against


def shown(figure: Figure) -> str:
    parts = [f"  {figure.what}: {written(figure.value)} {figure.unit}"]
    if figure.against is not None and figure.ratio is not None:
        parts.append(f"= {figure.ratio:.2f} × {figure.against_what} ({written(figure.against)} {figure.unit})")
    if figure.goal:
        verdict = "" if figure.met is None else "  ✓" if figure.met else "  ✗"
        parts.append(f"[goal: {figure.goal}]{verdict}")
    return "  ".join(parts)


def written(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
