"""The record as one HTML page in the frame of every page of bellman's (apps/page/page.cpp): its style by the hash in the
content policy, no script, no network, pictures inline."""

import base64
import hashlib
import html
import pathlib

import compare
import figures
import plots
import report
import svg
import tabular
from headlines import calls_per_step
from records import median, share_of_roof
from significance import quartiles

STYLE = (pathlib.Path(__file__).resolve().parents[2] / "apps" / "page" / "page.css").read_text()


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
    return tabular.html(("work", "bellman", "quartiles", "× floor", "peer", "takes", "ratio (least to most)"), rows)


def marked(verdict):
    return verdict if verdict == "same" else f'<span class="{verdict}">{verdict}</span>'


def comparison_part(comparison):
    if not comparison:
        return ""
    rows = [(html.escape(compare.title(row)), marked(row["verdict"]), f"{100 * row['change']:+.1f} %",
             f"{100 * row['interval'][0]:+.1f} to {100 * row['interval'][1]:+.1f} %", f"{row['p']:.4f}")
            for row in (*comparison["rows"], *comparison["peers"])]
    cautions = "".join(map(warning, comparison["warnings"]))
    return section("older", "Against the older record", paragraph(
        "Faster or slower: Mann–Whitney p below 0.01 and at least 3 % in the median. Intervals: 95 %, bootstrap. Rows of other programs "
        "come last and are no verdict on this one.") + cautions + tabular.html(("row", "", "median", "interval", "p"), rows))


def all_rows(record):
    rows = []
    for row in record["rows"]:
        share, (low, middle, high) = share_of_roof(row), quartiles(row["samples"])
        rows.append((html.escape(f"{row['program']}: {row['name']}"), figures.value(row, middle),
                     figures.value_range(row, low, high),
                     f"{figures.percent(share[0])} of {share[1]}" if share else ""))
    return tabular.html(("row", "median", "quartiles", "share of the roof"), rows)


def paragraph(text):
    return f"<p>{text}</p>\n"


def warning(text):
    return f'<p class="warning">{html.escape(text)}</p>\n'


def folded(summary, content):
    return f"<details><summary>{summary}</summary>\n{content}</details>\n"


def section(id_, heading, content):
    return f'<section id="{id_}"><h2>{heading}</h2>\n{content}</section>\n'


def figure(id_, heading, how_to_read, picture):
    """A section of one picture; empty without one."""
    if not picture:
        return ""
    return section(id_, heading, f'<figure><div class="scroll">{picture.svg}</div><figcaption>{how_to_read}</figcaption>'
                                 f'{folded("The numbers", tabular.html(picture.header, picture.rows))}</figure>\n')


def key():
    return " &#160; ".join(f'<svg class="key" viewBox="0 0 28 10" aria-hidden="true">{svg.line(0, 5, 28, 5, f"spread {class_}")}</svg>{title}'
                           for title, class_, _ in plots.FAMILIES)


def introduction(record):
    machine = record["machine"]
    parts = [paragraph(html.escape(
        f"{machine['cpu']}, core {machine['core']} of {machine['cores']}, {machine['compiler']}, commit {record['commit']}, "
        f"{record['date']}. {record['rounds']} rounds{', quick' if record['quick'] else ''}; everything on one core, in turn."))]
    for line in report.peer_lines(record):
        parts.append(warning(line.strip()) if line.startswith("  Caution") else paragraph(html.escape(line)))
    load = machine["load_average_at_start"]
    if load > 0.5:
        parts.append(warning(f"The load average at the start was {load}: others were at work on this machine."))
    return "".join(parts)


def html_page(title, body):
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
            f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title><style>{STYLE}</style></head><body>\n'
            f"<h1>{html.escape(title)}</h1>\n{body}</body></html>\n")


def html_text(record, found, comparison):
    rows = record["rows"]
    return html_page("How fast is DQN on this machine?", "".join([
        introduction(record),
        section("headlines", "Headlines", headline_table(found) + paragraph(
            "Floor: the least time that the step's multiply-adds can take on this core. "
            f"Calls in a learn step 4-64-64-2: {calls_per_step(rows)}.")),
        comparison_part(comparison),
        figure("peers", "Against other programs", "Each first computed the same losses on the same batch.", plots.peer_bars(found)),
        figure("floors", "Learn steps against their floor", "1 × is the machine's limit.", plots.floor_bars(rows)),
        figure("roofline", "Roofline of one core",
               "Lines: measured roofs, the triad's bandwidth over working sets of four sizes and multiply-adds in registers. Numbers in "
               f"circles: ops, named below. The bytes are the least that an op must move.<br>{key()}", plots.roofline(rows)),
        figure("triad", "Bandwidth by working set", "a[i] = b[i] + s c[i], two reads and a write.", plots.triad_plot(rows)),
        figure("ops", "Every op", "Products against the multiply-adds' peak, all else against the triad's bandwidth on as much memory. In "
               "brackets: the number in the roofline.", plots.op_bars(rows)),
        section("rows", "Everything that was measured", folded(f"{len(rows)} rows", all_rows(record))),
    ]))
