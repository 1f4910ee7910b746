"""Components out of a reply, however it is laid out: labelled fences, bare fences, one block for all, no fence at all.

What belongs to which component is told by a label near the fence, else by the functions that it defines.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from textwrap import dedent

from harness.contract import REQUIRED
from orchestrator.components import COMPONENTS, ComponentName

FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^\n`]*)$")
LABEL = re.compile(r"\b(data|model|train)\.py\b", re.IGNORECASE)
LONGEST_LABEL = 40
"""Characters; a longer line that names a file is a sentence."""
MARK = re.compile(r"^#[ \t=*#-]*`*(data|model|train)\.py`*[ \t=*#:-]*$", re.IGNORECASE | re.MULTILINE)
"""A comment that names a file and says nothing else: models put three files into one block."""
READ = 48 << 10
"""Characters of a block that are parsed: more than any component may have."""


@dataclass(frozen=True)
class Block:
    """A fenced piece of code."""

    label: str
    """The line of the fence and the one before it."""
    code: str


def find_files(text: str) -> dict[ComponentName, str]:
    """Every component that a reply holds; of several versions the last one."""
    files: dict[ComponentName, str] = {}
    for block in find_blocks(text) or [Block("", text)]:
        files |= _split(block)
    return files


def find_file(text: str, name: ComponentName) -> str:
    """One component: a block that defines its functions, else one that is called so, else the longest of nobody else.

    A reply that is code and nothing else is taken as it is.
    """
    blocks = find_blocks(text) or ([Block("", text)] if "def " in text else [])
    defining = [parts[name] for block in blocks if name in (parts := _split(block)) and name in owners(parts[name])]
    named = [block.code for block in blocks if name in _labels(block.label)]
    others = [block.code for block in blocks if not owners(block.code) or name in owners(block.code)]
    ranked = [*sorted(others, key=len), *sorted(named, key=len), *defining]
    return ranked[-1] if ranked else ""


def prose(text: str) -> str:
    """What a reply says before its first block, the block's label aside."""
    lines = text.splitlines()
    said = lines[: next((number for number, line in enumerate(lines) if FENCE.match(line)), len(lines))]
    while said and (not said[-1].strip() or (LABEL.search(said[-1]) and len(said[-1]) <= LONGEST_LABEL)):
        said.pop()
    return "\n".join(said).strip()


def find_blocks(text: str) -> list[Block]:
    """The fenced blocks; one that is never closed goes to the end."""
    blocks: list[Block] = []
    fence, label, before = "", "", ""
    code: list[str] = []
    for line in text.splitlines():
        match = FENCE.match(line)
        if not fence and match:
            fence, label, code = match[1], f"{before}\n{match[2]}", []
        elif fence and match and match[1].startswith(fence) and not match[2].strip():
            blocks.append(Block(label, _joined(code)))
            fence, before = "", ""
        elif fence:
            code.append(line)
        elif line.strip():
            before = line
    return [*blocks, Block(label, _joined(code))] if fence and code else blocks


def _joined(lines: list[str]) -> str:
    return dedent("\n".join(lines)).strip("\n") + "\n"


def _split(block: Block) -> dict[ComponentName, str]:
    """The components in a block: divided where comments name the files, else by its label, else by what it defines."""
    marks = [(match.start(), _name(match[1])) for match in MARK.finditer(block.code)]
    if len({name for _, name in marks}) > 1:
        ends = [start for start, _ in marks[1:]] + [len(block.code)]
        return {name: block.code[start:end].strip() + "\n" for (start, name), end in zip(marks, ends, strict=True)}
    labels, defined = _labels(block.label), owners(block.code)
    named = [name for name in labels if name in defined] or defined or labels or [name for _, name in marks]
    return dict.fromkeys(named if named is defined else named[-1:], block.code)


def _labels(line: str) -> list[ComponentName]:
    return [_name(word) for word in LABEL.findall(line)]


def _name(word: str) -> ComponentName:
    return next(name for name in COMPONENTS if name == word.lower())


def owners(code: str) -> list[ComponentName]:
    """Whose functions a piece of code defines: one with those of all three serves as each."""
    try:
        tree = ast.parse(code[:READ])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return [name for name in COMPONENTS if names & set(REQUIRED[name])]
