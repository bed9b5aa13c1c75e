"""The record as one HTML page: no script, no network, pictures inline."""

import html

import compare
import figures
import plots
import report
import tabular
from headlines import calls_per_step
from records import median, share_of_roof
from significance import quartiles

STYLE = """
:root { color-scheme: light dark; --surface: #fcfcfb; --ink: #0b0b0b; --soft: #52514e; --grid: #e1e0d9; --axis: #8a8983;
  --a: #2a78d6; --b: #1baf7a; --c: #4a3aa7; --bad: #c92a2a; --good: #00721f; --on: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --surface: #1a1a19; --ink: #ffffff; --soft: #c3c2b7; --grid: #33332f;
  --axis: #77766f; --a: #3987e5; --b: #199e70; --c: #9085e9; --bad: #ff8a8a; --good: #6fd08c; } }
body { background: var(--surface); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 1080px; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p { margin: .3rem 0; } .soft { color: var(--soft); } .caution { color: var(--bad); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .88rem; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: .85rem; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
td:first-child { min-width: 11rem; } td.n, th.n { text-align: right; white-space: nowrap; } .scroll { overflow-x: auto; }
.slower { color: var(--bad); font-weight: 600; } .faster { color: var(--good); font-weight: 600; }
svg { width: 100%; height: auto; display: block; margin-top: .4rem; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .tick, svg .note, svg .value { fill: var(--soft); font-size: 11px; } svg .label { fill: var(--soft); }
svg .name { font-size: 11.5px; } svg .grid { stroke: var(--grid); } svg .axis { stroke: var(--axis); }
svg .note { paint-order: stroke; stroke: var(--surface); stroke-width: 3px; }
svg .roof { stroke: var(--ink); stroke-width: 1.5; } svg .curve { fill: none; stroke: var(--a); stroke-width: 2; }
svg .mark { stroke: var(--surface); stroke-width: 1.5; } svg .number { fill: var(--on); font-size: 9px; font-weight: 600; }
svg .a { fill: var(--a); } svg .b { fill: var(--b); } svg .c { fill: var(--c); }
.key { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin: 0 .3rem 0 .9rem; }
summary { cursor: pointer; }
"""


def headline_table(found):
    rows = []
    for headline in found:
        row, title = headline["row"], html.escape(headline["title"])
        if row is None:
            rows.append((title, "missing", "", "", "", "", ""))
            continue
        low, middle, high = quartiles(row["samples"])
        first = (title, figures.value(row, middle), figures.value_range(row, low, high), report.floor(row))
        if not headline["peers"]:
            rows.append((*first, "none here" if headline["compared"] else "", "", ""))
        for name, (peer, (ratio, least, most)) in headline["peers"].items():
            rows.append((*first, name, figures.value(peer, median(peer)),
                         f"<b>{figures.times(ratio)}</b> ({figures.digits(least)} to {figures.digits(most)})"))
            first = ("", "", "", "")
    return tabular.html(("work", "bellman", "quartiles", "× floor", "peer", "takes", "ratio (least to most)"), rows, (1, 2, 3, 5, 6))


def comparison_part(comparison):
    if not comparison:
        return ""
    rows = [(html.escape(compare.title(row)), f'<span class="{row["verdict"]}">{row["verdict"]}</span>', f"{100 * row['change']:+.1f} %",
             f"{100 * row['interval'][0]:+.1f} to {100 * row['interval'][1]:+.1f} %", f"{row['p']:.4f}")
            for row in (*comparison["rows"], *comparison["peers"])]
    cautions = "".join(f'<p class="caution">{html.escape(warning)}</p>' for warning in comparison["warnings"])
    return ("<h2>Against the older record</h2><p class=soft>Faster or slower: Mann–Whitney p below 0.01 and at least 3 % in the "
            f"median. Intervals: 95 %, bootstrap. Rows of other programs come last and are no verdict on this one.</p>{cautions}" + tabular.html(("row", "", "median", "interval", "p"), rows, (2, 3, 4)))


def all_rows(record):
    rows = []
    for row in record["rows"]:
        share, (low, middle, high) = share_of_roof(row), quartiles(row["samples"])
        rows.append((html.escape(row["program"]), html.escape(row["name"]), figures.value(row, middle),
                     figures.value_range(row, low, high),
                     f"{figures.percent(share[0])} of {share[1]}" if share else ""))
    return tabular.html(("program", "row", "median", "quartiles", "share of the roof"), rows, (2, 3, 4))


def section(title, explanation, picture):
    return f"<h2>{title}</h2><p class=soft>{explanation}</p>{picture}" if picture else ""


def key():
    return "".join(f'<span class="key" style="background:var(--{class_})"></span>{title}' for title, class_, _ in plots.FAMILIES)


def introduction(record):
    machine = record["machine"]
    lines = [f"{machine['cpu']}, core {machine['core']} of {machine['cores']}, {machine['compiler']}, commit {record['commit']}, "
             f"{record['date']}. {record['rounds']} rounds{', quick' if record['quick'] else ''}; everything on one core, in turn."]
    parts = [f"<p class=soft>{html.escape(line)}</p>" for line in (*lines, *report.peer_lines(record))]
    load = machine["load_average_at_start"]
    if load > 0.5:
        parts.append(f'<p class="caution">The load average at the start was {load}: others were at work on this machine.</p>')
    return "".join(parts).replace("<p class=soft>  Caution", "<p class=caution>Caution")


def html_page(title, body):
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
            f"<body>{body}</body></html>\n")


def page_body(record, found, comparison):
    rows = record["rows"]
    return "".join([
        f"<h1>How fast is DQN on this machine?</h1>{introduction(record)}",
        f"<h2>Headlines</h2>{headline_table(found)}<p class=soft>Floor: the least time that the step's multiply-adds can take on this core. "
        f"Calls in a learn step 4-64-64-2: {calls_per_step(rows)}.</p>",
        comparison_part(comparison),
        section("Against other programs", "Each first computed the same losses on the same batch.", plots.peer_bars(found)),
        section("Learn steps against their floor", "1 × is the machine's limit.", plots.floor_bars(rows)),
        section("Roofline of one core", "Lines: measured roofs, the triad's bandwidth over working sets of four sizes and multiply-adds in "
                f"registers. Numbers: ops, named below; the bytes are the least that an op must move.<br>{key()}", plots.roofline(rows)),
        section("Bandwidth by working set", "a[i] = b[i] + s c[i], two reads and a write.", plots.triad_plot(rows)),
        section("Every op", "Products against the multiply-adds' peak, all else against the triad's bandwidth on as much memory. In brackets: the number "
                "in the roofline.", plots.op_bars(rows)),
        f"<h2>Everything that was measured</h2><details><summary>{len(rows)} rows</summary>{all_rows(record)}</details>",
    ])


def html_text(record, found, comparison):
    return html_page("How fast is DQN on this machine?", page_body(record, found, comparison))
