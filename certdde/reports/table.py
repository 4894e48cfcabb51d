"""A table of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from certdde.reports.dialect import Dialect, Fragment, typeset

Cell = Fragment | Sequence[Fragment]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by row; the first column is text, the others are numbers unless named in ``words``.

    Attributes
    ----------
    title : str
    columns : sequence of Cell
    rows : sequence of rows
    note : Cell
        Below the table; may be empty.
    words : tuple of int
        Columns that are set to the left.
    """

    title: str
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    note: Cell = ""
    words: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class TypesetTable:
    """A table in one dialect."""

    title: Markup
    columns: tuple[Markup, ...]
    rows: tuple[tuple[Markup, ...], ...]
    note: Markup
    words: tuple[int, ...]


def typeset_table(dialect: Dialect, table: Table) -> TypesetTable:
    """Write all cells of a table in a dialect."""

    def cell(content: Cell) -> Markup:
        fragments = [content] if isinstance(content, str) or callable(content) else content
        return typeset(dialect, *fragments)

    rows = tuple(tuple(cell(c) for c in row) for row in table.rows)
    columns = tuple(cell(c) for c in table.columns)
    return TypesetTable(cell(table.title), columns, rows, cell(table.note), table.words)
