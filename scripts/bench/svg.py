"""A few SVG elements, as text, and scales from numbers to places."""

import html
import math


def element(name, content="", **attributes):
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{html.escape(f"{v:.1f}" if isinstance(v, float) else str(v))}"'
                      for key, v in attributes.items())
    return f"<{name}{written}>{content}</{name}>"


def text(x, y, content, class_="", anchor="start"):
    return element("text", html.escape(content), x=float(x), y=float(y), class_=class_, text_anchor=anchor)


def line(x1, y1, x2, y2, class_):
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def title(content):
    """What a browser shows when the pointer rests on the element around it."""
    return element("title", html.escape(content))


def picture(width, height, description, parts):
    return (f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(description)}">' + "".join(parts) +
            "</svg>")


class LogScale:
    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = math.log10(low), math.log10(high), start, end

    def __call__(self, value):
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def decades(self):
        return [10.0 ** k for k in range(math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9) + 1)]


def decades_around(values):
    """Powers of ten, or half of their way, that enclose the values."""
    low, high = math.log10(min(values)), math.log10(max(values))
    return 10 ** (math.floor(low * 2 - 0.1) / 2), 10 ** (math.ceil(high * 2 + 0.1) / 2)


def power_of_ten(value):
    """0.01, 1, 1000: as a label on an axis."""
    return f"{value:,.0f}" if value >= 1 else f"{value:.10f}".rstrip("0")


def rounded_bar(x, y, width, height, class_):
    """A bar from the left, its right end rounded."""
    r = min(3.0, width / 2)
    return element("path", d=f"M{x:.1f},{y:.1f}h{max(0.5, width - r):.1f}q{r:.1f},0 {r:.1f},{r:.1f}v{height - 2 * r:.1f}"
                             f"q0,{r:.1f} {-r:.1f},{r:.1f}h{-max(0.5, width - r):.1f}z", class_=class_)
