"""The page's pictures: roofline, triad, bars. Their classes are those of apps/page/page.css."""

import collections
import html
import math

import figures
import svg
from records import median, share_of_roof

WIDTH = 960
CACHES = ((16384, "16 KiB"), (262144, "256 KiB"), (4194304, "4 MiB"), (67108864, "64 MiB"))  # working sets with a roof

FAMILIES = (("matrix products", "s0", ("dense", "conv2d")), ("optimisers", "s1", ("adam", "rmsprop", "sgd", "global", "polyak")),
            ("other ops", "s2", ("",)))

Picture = collections.namedtuple("Picture", ("svg", "header", "rows"))  # and its numbers, as cells of HTML


def family(name):
    return next((title, class_) for title, class_, heads in FAMILIES if name.startswith(heads))


def roofline_points(rows):
    """[(row, FLOP per byte, GFLOP/s)] of the ops that report their operations and bytes; ours, not Eigen's products."""
    points = []
    for row in rows:
        flops, moved = median(row, "flops"), median(row, "bytes")
        if flops and moved and not row["name"].endswith("/eigen"):
            points.append((row, flops / moved, flops / median(row) * 1e-3))
    return points


def peak_of(rows):
    return next((median(row, "GFLOP/s") for row in rows if row["name"] == "fma_peak"), None)


def bandwidths(rows):
    """{working set in bytes: GB/s}."""
    return {int(row["name"].rsplit(":", 1)[1]): median(row, "GB/s") for row in rows if row["name"].startswith("triad/")}


def axes(x, y, x_title, y_title):
    """Grid lines and labels at the decades."""
    left, right, bottom, top = x.start, x.end, y.start, y.end
    parts = []
    for value in y.decades():
        parts += [svg.line(left, y(value), right, y(value), "grid"),
                  svg.text(left - 8, y(value) + 4, svg.power_of_ten(value), "", "end")]
    for value in x.decades():
        parts += [svg.line(x(value), bottom, x(value), top, "grid"),
                  svg.text(x(value), bottom + 18, svg.power_of_ten(value), "", "middle")]
    parts += [svg.text((left + right) / 2, bottom + 38, x_title, "", "middle"),
              svg.text(left - 56, top - 12, y_title)]
    return parts


def roofline(rows):
    """Each op at its operations per byte and its operations a second, under the measured roofs."""
    points, peak, triad = roofline_points(rows), peak_of(rows), bandwidths(rows)
    if not points or not peak or not triad:
        return None
    x = svg.LogScale(*svg.decades_around([p[1] for p in points] + [peak / min(triad.values())]), 64.0, WIDTH - 24.0)
    rates = [p[2] for p in points] + [peak * 1.3]
    y = svg.LogScale(*svg.decades_around(rates), 460.0, 40.0)
    low_x, high_x, low_y = 10 ** x.low, 10 ** x.high, 10 ** y.low
    parts = axes(x, y, "operations per byte (FLOP/B)", "operations a second (GFLOP/s)")
    shown = [(size, name) for size, name in CACHES if size in triad]
    for size, name in shown:  # bandwidth roofs: y = bandwidth x, up to the peak
        start = max(low_x, low_y / triad[size])
        end = min(high_x, peak / triad[size])
        parts.append(svg.line(x(start), y(start * triad[size]), x(end), y(end * triad[size]), "outline"))
    ridge = peak / max(triad[size] for size, _ in shown)
    parts += [svg.line(x(max(low_x, ridge)), y(peak), x(high_x), y(peak), "outline"),
              svg.text(x(high_x), y(peak) - 8, f"multiply-adds, {figures.digits(peak)} GFLOP/s", "", "end")]
    parts += roof_labels(x, y, shown, triad)
    for i, (row, intensity, rate) in enumerate(points, 1):
        mark = svg.element("circle", cx=float(x(intensity)), cy=float(y(rate)), r=10, class_=f"point {family(row['name'])[1]}")
        number = svg.text(x(intensity), y(rate) + 4, str(i), "over", "middle")
        hint = svg.title(f"{row['name']}: {figures.digits(intensity)} FLOP/B, {figures.digits(rate)} GFLOP/s")
        parts.append(svg.element("g", hint + mark + number))
    numbers = [(str(i), html.escape(row["name"]), figures.digits(intensity), figures.digits(rate))
               for i, (row, intensity, rate) in enumerate(points, 1)]
    return Picture(svg.picture(WIDTH, 510, "Roofline: operations a second over operations per byte", parts),
                   ("number", "op", "FLOP/B", "GFLOP/s"), numbers)


def roof_labels(x, y, shown, triad):
    """Beside the lower end of each bandwidth roof, along it."""
    low_x, low_y = 10 ** x.low, 10 ** y.low
    slope = (y.end - y.start) / (y.high - y.low) / ((x.end - x.start) / (x.high - x.low))
    angle, parts = math.degrees(math.atan(slope)), []
    for size, name in shown:
        at = max(low_x, low_y / triad[size]) * 1.15
        px, py = x(at), y(at * triad[size])
        parts.append(svg.element("text", html.escape(f"{name}: {figures.digits(triad[size])} GB/s"), x=float(px),
                                 y=float(py - 6), transform=f"rotate({angle:.1f} {px:.1f} {py:.1f})"))
    return parts


def triad_plot(rows):
    points = sorted(bandwidths(rows).items())
    if len(points) < 2:
        return None
    x = svg.LogScale(points[0][0], points[-1][0], 64.0, WIDTH - 40.0)
    highest = max(rate for _, rate in points) * 1.1

    def y(rate):
        return 240.0 - rate / highest * 200.0

    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if highest / s <= 6)
    parts = []
    for rate in range(0, int(highest) + 1, step):
        parts += [svg.line(64, y(rate), WIDTH - 40, y(rate), "grid"), svg.text(56, y(rate) + 4, f"{rate}", "", "end")]
    parts.append(svg.element("polyline", points=" ".join(f"{x(s):.1f},{y(r):.1f}" for s, r in points), class_="curve s0"))
    for size, rate in points:
        parts += [svg.element("circle", svg.title(f"{figures.size(size)}: {figures.digits(rate)} GB/s"), cx=float(x(size)),
                              cy=float(y(rate)), r=5, class_="point s0"),
                  svg.text(x(size), y(rate) - 10, figures.digits(rate), "", "middle"),
                  svg.text(x(size), 258, figures.size(size), "", "middle")]
    parts += [svg.text((64 + WIDTH - 40) / 2, 280, "working set of the three arrays together", "", "middle"),
              svg.text(8, 22, "bandwidth (GB/s)")]
    return Picture(svg.picture(WIDTH, 290, "Triad bandwidth by working set", parts), ("working set", "GB/s"),
                   [(figures.size(size), figures.digits(rate)) for size, rate in points])


def bars(entries, unit, most=None):
    """Horizontal bars: [(name, length, text at the end, class, hint)], each of length 0 .. `most`."""
    most = most or max(length for _, length, *_ in entries)
    name_width = min(540, 8 + max(len(name) for name, *_ in entries) * 8.2)
    scale = (WIDTH - name_width - 200) / most
    parts, height = [svg.text(name_width, 14, unit)], 24
    for name, length, end, class_, hint in entries:
        bar = svg.rounded_bar(name_width, height, max(1.0, length * scale), 14.0, f"bar {class_}")
        parts.append(svg.element("g", svg.title(hint) + svg.text(name_width - 8, height + 12, name, "", "end") + bar +
                                 svg.text(name_width + length * scale + 6, height + 12, end)))
        height += 20
    parts.append(svg.line(name_width, 22, name_width, height, "outline"))
    return Picture(svg.picture(WIDTH, height + 6, unit, parts), ("", unit, ""),
                   [(html.escape(name), html.escape(end), html.escape(hint)) for name, _, end, _, hint in entries])


def op_bars(rows):
    """The share of its roof that each op reaches, with its number in the roofline."""
    numbers = {id(row): i for i, (row, *_) in enumerate(roofline_points(rows), 1)}
    entries = []
    for row in rows:
        share = share_of_roof(row)
        if row["program"] != "ops_bench" or not share or row["name"].endswith("/eigen"):
            continue
        number = numbers.get(id(row))
        entries.append((f"{row['name']} {f'({number})' if number else ''}".strip(), min(share[0], 1.2),
                        f"{figures.percent(share[0])} of {share[1]}", family(row["name"])[1],
                        f"{row['name']}: {figures.duration(median(row))}"))
    return bars(entries, "share of the roof that bounds it", 1.2) if entries else None


def peer_bars(found):
    """How many times as fast as each peer, in the headlines."""
    entries = [(headline["title"], ratio, f"{figures.times(ratio)} {name}", "s0",
                f"{figures.value(headline['row'], median(headline['row']))} against "
                f"{figures.value(peer, median(peer))}; over the rounds {figures.digits(least)} to {figures.digits(most)}")
               for headline in found for name, (peer, (ratio, least, most)) in headline["peers"].items()]
    return bars(entries, "times as fast as the peer on the same work, same core, same run") if entries else None


def floor_bars(rows):
    """Learn steps, in times their floor."""
    entries = [(row["name"], median(row, "x_floor"), f"{figures.times(median(row, 'x_floor'))} floor, "
                f"{figures.duration(median(row))}", "s0" if row["program"] == "sampled_step_bench" else "s2",
                row["label"])
               for row in rows if row["counters"].get("x_floor")]
    return bars(entries, "time of a learn step, in times the least that its multiply-adds can take") if entries else None
