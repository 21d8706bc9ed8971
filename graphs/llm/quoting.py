"""Text that was written by nobody we trust, made fit to be quoted in a prompt.

A response under judgement may try to take over the juror. Three things stand in its way:

- it is quoted between lines with a mark that depends on the text itself, so that no text can hold
  its own mark (that would be a fixed point of a keyed hash);
- strings that chat templates turn into control tokens are broken visibly;
- characters that a reader cannot see, or that reorder what is read, are taken out.

What was done is counted and noted with the call.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

MARK_CHARACTERS = 12
"""Of 32 letters and digits each: 60 bits."""

_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls but tab and newlines
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"  # zero width, direction, tags
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"  # joiners beside ASCII
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_NAMED = (
    "s|bos|eos|pad|unk|mask|cls|sep|sop|eop|think|thinking|tool_call|tool_response|tools|tool|"
    "start_of_turn|end_of_turn|start_of_image|end_of_image|image_soft_token|function_calls|"
    "begin_of_text|end_of_text|EOS_TOKEN|BOS_TOKEN|BOS|EOS|unused\\d+|reserved_\\d+|extra_id_\\d+"
)
_SPECIAL = re.compile(
    r"<[|\uff5c](?=[^<>\s]*\w)[^<>\s]{1,60}>"  # <|im_start|>, <|turn>, DeepSeek's
    r"|<[^<>|\uff5c\s]{1,60}[|\uff5c]>"  # <turn|>
    rf"|</?(?:{_NAMED})>"
    r"|<</?SYS>>"
    r"|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|ARGS|CALL_ID"
    r"|THINK|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|gMASK|sMASK|MASK|CLS|SEP|PAD|UNK)\]"
    r"|\]~!?b\[|\]~b\]|\[e~\["  # MiniMax
)
_BREAK = str.maketrans("<>[]", "\u2039\u203a\u27e6\u27e7")
"""Brackets to their look-alikes, single angle and white square ones."""

_ORDINARY = str.maketrans("", "", "\t\n")
"""White space that stays; what is printable ASCII without it needs no second look."""
_CUT = "\n[… {cut} characters left out here …]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """A text fit for a prompt.

    Attributes:
        text: what the juror reads.
        invisible: characters taken out or replaced.
        neutralised: control strings broken.
        truncated: characters cut out of the middle.
        too_long: characters beyond the limit, where it may not be cut.
    """

    text: str
    invisible: int = 0
    neutralised: int = 0
    truncated: int = 0
    too_long: int = 0


def quote(
    text: str,
    *,
    most: int | None = None,
    too_long: Literal["refuse", "truncate"] = "refuse",
    special: tuple[str, ...] = (),
) -> Quoted:
    """Make a text fit to be quoted.

    Args:
        text: anything, lone surrogates and NUL included.
        most: longest text in characters.
        too_long: beyond it, cut the middle out, or only say by how much it is too long.
        special: further strings to break, from the model's own tokenizer.
    """
    clean, hidden, lone, broken = text, 0, 0, 0
    if not (text.isascii() and text.translate(_ORDINARY).isprintable()):
        clean = _NEWLINES.sub("\n", text)
        clean, hidden = _INVISIBLE.subn("", clean)
        clean, lone = _SURROGATES.subn("\ufffd", clean)
    if "<" in clean or "[" in clean or "]" in clean:
        clean, broken = _SPECIAL.subn(lambda match: match[0].translate(_BREAK), clean)
    for token in special:
        if token and token in clean:
            broken += clean.count(token)
            clean = clean.replace(token, _broken(token))
    over = 0 if most is None else max(0, len(clean) - most)
    cut = 0
    if over and most is not None and too_long == "truncate":
        head, tail = clean[: most - most // 4], clean[len(clean) - most // 4 :]
        cut, over = len(clean) - len(head) - len(tail), 0
        clean = head + _CUT.format(cut=cut) + tail
    return Quoted(
        text=clean, invisible=hidden + lone, neutralised=broken, truncated=cut, too_long=over
    )


def _broken(token: str) -> str:
    """A token made readable and harmless: its brackets change, or a middle dot splits it."""
    changed = token.translate(_BREAK)
    return changed if changed != token else f"{token[:1]}·{token[1:]}"


def mark(seed: int, *texts: str) -> str:
    """A delimiter that none of these texts holds.

    BLAKE2b keyed with the study's seed over the texts themselves, as 12 letters and digits. Equal
    for all jurors of an item, so that they share its prefix; unknown to whoever wrote the texts,
    even with the seed, since changing a text changes its mark.
    """
    attempt = 0
    while True:
        key = f"{seed}\x1f{attempt}".encode()[:64]
        keyed = hashlib.blake2b(key=key, digest_size=8)
        for text in texts:
            data = text.encode()
            keyed.update(len(data).to_bytes(8, "big"))
            keyed.update(data)
        made = base64.b32encode(keyed.digest()).decode().lower()[:MARK_CHARACTERS]
        if not any(made in text.lower() for text in texts):
            return made
        attempt += 1


def notes(*quoted: Quoted) -> str | None:
    """What was done to the texts of a call, in a line; None where nothing was."""
    counts = {
        "truncated {} characters": sum(each.truncated for each in quoted),
        "removed {} invisible characters": sum(each.invisible for each in quoted),
        "neutralised {} control strings": sum(each.neutralised for each in quoted),
    }
    said = [text.format(count) for text, count in counts.items() if count]
    return "; ".join(said) or None
