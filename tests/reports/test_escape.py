"""Names and equations come from a user's file: nothing in them is markup, in any of the three languages."""

import html
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from certdde.reports.escape import (
    escape_html,
    escape_latex,
    escape_markdown,
    fenced,
    printable,
)

from .makers import HOSTILE

NASTY = st.text(
    st.sampled_from("ab1 \\`*_{}[]()<>#+-.!|~$&%^\"'=:;/@?\n\t\x00\u202eéŁ倒"), max_size=30
)


ANY = st.one_of(st.text(max_size=30), NASTY)


@settings(deadline=None, derandomize=True)
@given(ANY)
def test_html_shows_the_text_and_nothing_else(text):
    safe = escape_html(text)
    assert not re.search(r"[<>\"']", safe)
    assert html.unescape(safe) == printable(text)


@settings(deadline=None, derandomize=True)
@given(ANY)
def test_markdown_shows_the_text_and_nothing_else(text):
    shown = MarkdownIt("commonmark").enable("table").render(f"It is {escape_markdown(text)}, so.")
    assert shown.startswith("<p>It is ")
    inside = shown.removeprefix("<p>").removesuffix("</p>\n")
    assert not re.search(r"<[a-zA-Z/!?]", inside)
    assert html.unescape(inside) == f"It is {printable(text)}, so."


@settings(deadline=None, derandomize=True)
@given(ANY)
def test_markdown_at_the_start_of_a_line(text):
    shown = MarkdownIt("commonmark").render(f"{escape_markdown(text)}x")
    expected = f"{printable(text)}x".strip()
    assert html.unescape(shown) == f"<p>{expected}</p>\n"


@settings(deadline=None, derandomize=True)
@given(ANY)
def test_latex_is_ascii_in_balance_and_free_of_commands_of_the_user(text):
    safe = str(escape_latex(text))
    assert safe.isascii()
    bare = re.sub(r"\\[{}$&#_%]", "", safe)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"[$&#%~^]", re.sub(r"\\[~^=.\"'`]\{", "", bare).replace("\\", " "))
    commands = set(re.findall(r"\\([A-Za-z]+)", bare))
    assert commands <= KNOWN, commands - KNOWN


KNOWN = {
    *("textbackslash textasciitilde textasciicircum textless textgreater textbar").split(),
    *("char textquotesingle textasciigrave allowbreak").split(),
    *("ss ae AE o O l L i j u r H v c").split(),
}


def test_accents_and_what_latex_does_not_have():
    assert escape_latex("é") == r"\'{e}"
    assert escape_latex("Łódź") == r"\L{}\'{o}d\'{z}"
    assert escape_latex("ï") == r"\"{\i}"
    assert escape_latex("倒") == "[U+5012]"
    assert escape_latex("--") == "-{}-"


@settings(deadline=None, derandomize=True)
@given(ANY)
def test_a_code_block_cannot_be_closed_from_inside(text):
    tokens = MarkdownIt("commonmark").parse(str(fenced(text)))
    assert [token.type for token in tokens] == ["fence"]


def test_what_cannot_be_printed_is_written_out():
    assert printable("a\u202eb\x00\nc") == r"a\u202eb\x00 c"


def test_a_hostile_name_stays_a_name(report):
    found = report("linear")
    page, text, source = (found.text(kind) for kind in ("html", "md", "tex"))
    assert f"<h1>{escape_html(HOSTILE)}</h1>" in page
    assert "<script" not in page
    assert "\u202e" not in page + text + source
    heading = MarkdownIt("commonmark").render(text.splitlines()[0])
    assert html.unescape(heading) == f"<h1>{printable(HOSTILE)}</h1>\n"
    assert r"\input{/etc" not in source
    assert r"\textbackslash{}input\{/etc/passwd\}" in source
