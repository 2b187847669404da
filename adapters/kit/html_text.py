"""The text of a mail that has only HTML: tags gone, blocks and <br> as line breaks, cells kept apart."""

import re
from html.parser import HTMLParser

_LISTS = frozenset(("dd", "dl", "dt", "li", "ol", "ul"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "header"))
_BLOCKS = _LISTS | _HEADINGS | frozenset(("address", "article", "blockquote", "br", "center", "div", "fieldset", "footer"))
_BLOCKS = _BLOCKS | frozenset(("form", "hr", "p", "pre", "section", "table", "tr"))
_CELLS = frozenset({"td", "th"})
_SILENT = frozenset({"script", "style", "title", "template"})


def text_of_html(html: str) -> str:
    """The readable text, one line a block, white space inside a line folded to one space."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (re.sub(r"[ \t\r\f\v\u00a0]+", " ", line).strip() for line in "".join(parser.out).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._silent: str | None = None
        self._kept = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  (the parser's own signature)
        if tag in _SILENT and self._silent is None:
            self._silent = tag
        self._kept += tag == "pre"
        self._breaks(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._breaks(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = None
        self._kept -= tag == "pre" and self._kept > 0
        if tag != "br":
            self._breaks(tag)

    def handle_data(self, data: str) -> None:
        if self._silent is None:
            self.out.append(data if self._kept else re.sub(r"\s+", " ", data))

    def parse_marked_section(self, i: int, report: int = 1) -> int:  # noqa: ARG002
        # The standard library asserts that a marked section ("<![if …") has a name it knows; mailers write others.
        end = self.rawdata.find(">", i)
        return -1 if end < 0 else end + 1

    def _breaks(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.out.append("\n")
        elif tag in _CELLS:
            self.out.append(" ")
