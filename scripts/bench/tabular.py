"""Tables from rows of cells: for the terminal, as HTML, as Markdown."""


def terminal(rows, right=()):
    """Lines of the cells, each column as wide as its widest; the columns in `right` are flush right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(cell.rjust(width) if i in right else cell.ljust(width)
                             for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]


def html(header, rows):
    """The cells are HTML already."""
    def line(kind, row):
        return "<tr>" + "".join(f"<{kind}>{cell}</{kind.split()[0]}>" for cell in row) + "</tr>\n"
    return ('<div class="scroll"><table>\n' + line('th scope="col"', header) + "".join(line("td", row) for row in rows) +
            "</table></div>\n")


def markdown(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"
