"""Takes a forwarder's marks off a mail: ">" in front of lines, the header it writes above, "Fwd:" in the subject."""

import re
from dataclasses import dataclass

LAYERS_MAX = 10
LINE_CHARACTERS_MAX = 300  # a longer line is none of a forwarder's, and the patterns below take their time on one
HEADER_LINES_MAX = 20
SEARCHED_LINES_MAX = 500  # a forwarder's header stands above the mail, below a note at most
QUOTED_LINES_MIN = 3
QUOTED_SHARE_MIN = 0.8  # a note of the forwarder above the quoted mail is not quoted

_PREFIX = re.compile(r"^\s*(?:(?:re|fwd?|fw|転送|返信|tr|wg)\s*[:：]|\[fwd?\s*[:：]?)\s*", re.IGNORECASE)
_MARK = re.compile(
    r"^[-_\s]{2,}\s*(?:forwarded message|original message|original mail|転送メッセージ|転送されたメッセージ|元のメッセージ|ここから転送)\s*[-_\s]{2,}$"
    r"|^begin forwarded message\s*[:：]$|^転送されたメッセージ\s*[:：]$",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"^\*?(from|差出人|送信者|送信元|date|sent|日付|日時|送信日時|subject|件名|題名|to|宛先|cc|reply-to|返信先|message-id|bcc)\*?\s*[:：]\*?\s*(.*)$",
    re.IGNORECASE,
)
_SENDER = frozenset({"from", "差出人", "送信者", "送信元"})
_SUBJECT = frozenset({"subject", "件名", "題名"})


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The text below the forwarder's header; what that header says, "" where it says nothing."""

    text: str
    subject: str = ""
    sender: str = ""


def without_prefix(subject: str) -> str:
    """The subject without Re:, Fwd:, 転送: in front, however many."""
    for _ in range(LAYERS_MAX):
        cut = _PREFIX.sub("", subject, count=1)
        if cut == subject:
            break
        subject = cut
    return subject.strip()


def without_quotes(text: str) -> Unwrapped:
    """The text as the mall wrote it. A text without marks stays as it is, white space included."""
    found = Unwrapped(text)
    for _ in range(LAYERS_MAX):
        plain = _unquoted(found.text)
        below = _below_header(plain)
        step = Unwrapped(plain, found.subject, found.sender) if below is None else below
        if step.text == found.text:
            break
        found = Unwrapped(step.text, step.subject or found.subject, step.sender or found.sender)
    return found


def _unquoted(text: str) -> str:
    lines = text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.startswith(">")), None)
    if first is None:
        return text
    filled = [line for line in lines[first:] if line.strip()]
    quoted = sum(line.startswith(">") for line in filled)
    if quoted < QUOTED_LINES_MIN or quoted < len(filled) * QUOTED_SHARE_MIN:
        return text
    return "\n".join(re.sub(r"^> ?", "", line) for line in lines)


def _below_header(text: str) -> Unwrapped | None:
    lines = text.split("\n")
    for at, line in enumerate(lines[:SEARCHED_LINES_MAX]):
        if len(line) > LINE_CHARACTERS_MAX:
            continue
        if _MARK.match(line.strip()):
            return _after_fields(lines, at + 1, fields_min=1)
        field = _FIELD.match(line.strip())
        if field and field[1].lower() in _SENDER:
            found = _after_fields(lines, at, fields_min=3)
            if found is not None and found.subject:
                return found
    return None


def _after_fields(lines: list[str], start: int, *, fields_min: int) -> Unwrapped | None:
    """What stands below the block of fields that begins at ``start`` (blank lines before it are passed)."""
    at = start
    while at < len(lines) and not lines[at].strip() and at < start + HEADER_LINES_MAX:
        at += 1
    subject = sender = last = ""
    fields = 0
    while at < len(lines) and lines[at].strip() and at < start + HEADER_LINES_MAX:
        field = _FIELD.match(lines[at].strip())
        if field is None and not (last and lines[at][:1] in " \t"):
            break
        if field is not None:
            fields, last = fields + 1, field[1].lower()
            subject = field[2] if last in _SUBJECT else subject
            sender = field[2] if last in _SENDER else sender
        at += 1
    if fields < fields_min:
        return None
    return Unwrapped("\n".join(lines[at:]).strip("\n"), subject.strip(), sender.strip())
