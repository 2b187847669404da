"""The text of a mail that has only HTML: tags gone, blocks and <br> as line breaks, cells kept apart.

Not the standard library's parser: on 300 kB of "<!--" that one takes half a minute. This one looks at every character
once, follows browsers in what they make of broken HTML (what is never closed swallows the rest), and never raises.
"""

import re
from html import unescape

TAG_CHARACTERS_MAX = 4_096  # how far a ">" inside a quoted attribute is looked over

_LISTS = frozenset(("dd", "dl", "dt", "li", "ol", "ul"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "header"))
_OTHERS = frozenset(
    ("address", "blockquote", "br", "center", "div", "footer", "form", "hr", "p", "pre", "section", "table", "tr")
)
_BLOCKS = _LISTS | _HEADINGS | _OTHERS
_CELLS = frozenset({"td", "th"})
_SILENT = frozenset({"script", "style", "title", "template"})
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]{0,20})")
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")


def text_of_html(html: str) -> str:
    """The readable text: one line a block, white space inside a line folded to one space (inside <pre>, line breaks kept)."""
    out: list[str] = []
    kept = 0
    at = 0
    while at < len(html):
        opens = html.find("<", at)
        text = html[at : opens if opens >= 0 else len(html)]
        out.append(unescape(text if kept else re.sub(r"\s+", " ", text)))
        if opens < 0:
            break
        tag = _TAG.match(html, opens)
        if tag is None:
            at = _after_other(html, opens, out)
            continue
        name, closes = tag[1].lower(), html[opens + 1] == "/"
        at = _after_tag(html, opens)
        if name in _SILENT and not closes:
            at = _after_silent(html, at, name)
        elif name == "pre":
            kept = max(0, kept + (-1 if closes else 1))
        out.append("\n" if name in _BLOCKS else " " if name in _CELLS else "")
    lines = (_SPACES.sub(" ", line).strip() for line in "".join(out).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _after_other(html: str, opens: int, out: list[str]) -> int:
    """Past a comment, a declaration or a processing instruction; a lone "<" is text."""
    if html.startswith("<!--", opens):
        return _past(html, "-->", opens + 4)
    if html[opens + 1 : opens + 2] in ("!", "?", "/"):
        return _past(html, ">", opens)
    out.append("<")
    return opens + 1


def _after_tag(html: str, opens: int) -> int:
    """Past the ">" of this tag; one inside a quoted attribute is looked over when its quote ends soon."""
    first = end = html.find(">", opens)
    if first < 0:
        return len(html)
    while html.count('"', opens, end) % 2:
        end = html.find(">", end + 1, opens + TAG_CHARACTERS_MAX)
        if end < 0:
            return first + 1
    return end + 1


def _after_silent(html: str, at: int, name: str) -> int:
    """To the end tag of an element whose content is not for reading."""
    found = re.compile(rf"</{name}\b", re.IGNORECASE).search(html, at)
    return found.start() if found else len(html)


def _past(html: str, mark: str, at: int) -> int:
    end = html.find(mark, at)
    return len(html) if end < 0 else end + len(mark)
