"""Numbers formatted for people."""


def digits(value, count=3):
    """`count` significant digits, no exponent, thousands apart."""
    if value is None:
        return "–"
    if abs(value) >= 10 ** (count - 1):
        return f"{value:,.0f}"
    text = f"{value:.{count}g}"
    return text if "e" not in text else f"{value:.{count + 3}f}".rstrip("0")


def number(value, count=3):
    """As digits(), for the tables of a GPU's record: exponents are left as they are, missing figures and NaN are a dash."""
    if value is None or value != value:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{count}g}"


def scaled(value, steps, count=3):
    """The value in the largest unit that leaves at least 1 of it."""
    for size, unit in steps:
        if abs(value) >= size:
            return f"{digits(value / size, count)} {unit}"
    size, unit = steps[-1]
    return f"{digits(value / size, count)} {unit}"


def duration(microseconds):
    return scaled(microseconds, [(1e6, "s"), (1e3, "ms"), (1, "µs"), (1e-3, "ns")])


def value(row, figure):
    """A row's figure with its unit."""
    if row["unit"] == "us":
        return duration(figure)
    return f"{digits(figure)} {row['unit']}"


def value_range(row, low, high):
    """2.5 to 3 µs: the unit once where both share it."""
    low, high = value(row, low), value(row, high)
    number, unit = low.rsplit(" ", 1)
    return f"{number} to {high}" if high.endswith(f" {unit}") else f"{low} to {high}"


def size(number_of_bytes):
    return scaled(number_of_bytes, [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")])


def percent(fraction):
    return f"{100 * fraction:.0f} %"


def times(ratio):
    return f"{digits(ratio)} ×"
