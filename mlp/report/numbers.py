"""Numbers and names as people read them."""


def brief(value: float) -> str:
    """Three significant digits: 0.000123, 1.23e-05, 18.4."""
    return f"{value + 0.0:.3g}"  # adding zero takes the sign off a negative zero


def entry(name: str, index: tuple[int, ...]) -> str:
    """The name of an entry: fc1.W[3,1]; a number without axes has none but its own."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def counted(last: int) -> str:
    """The whole numbers from 1 to the last: 1; 1, 2; 1, 2, 3; 1, ..., 4."""
    return ", ".join(map(str, range(1, last + 1))) if last <= 3 else f"1, ..., {last}"


def duration(seconds: float) -> str:
    """A time with its unit: 850 µs, 12 ms, 1.3 s."""
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.2g} {unit}" if seconds * factor < 10 else f"{seconds * factor:.0f} {unit}"
    return f"{seconds * 1e6:.0f} µs"
