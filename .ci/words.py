#!/usr/bin/env python3
"""Checks words and the length of lines: .ci/words.py

Words: README.md, docs/, and the comments and identifiers of all C#. The list is short on purpose: words that
docs/reference/glossary.md replaces and that have no other use here. An identifier is read as its parts: LetGo as "let go", so Slots has
no lots. Strings are not checked: tests have words of peers and of users in them.
Length: a line of C# has at most as many characters as .editorconfig says (max_line_length), unless it holds a string literal, which may
be worth more unbroken. Exit code 1 if anything is found."""
import re
import subprocess
import sys

WORDS = re.compile(
    r"\b(whoever|whomever|nobody|somebody|everybody|someone|everyone|told|tells?|telling|hears?|heard|hearing|wants|knows|lots|doors?"
    r"|verdicts?|judge[sd]?|upkeep|tally|tallies|let go|lets go|letting go|goes on|comes back|came back|coming back|for good|by heart"
    r"|on its way|hurry|farewell|goodbye|patience)\b",
    re.IGNORECASE)

ALLOWED = {
    "Nobody",  # RoomPublishing.Nobody, a value of the setting Weir:Rooms:*:Publish
}

# A comment, a literal (raw, verbatim, plain or of a character), or an identifier.
TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<literal>\$*"{3,}.*?"{3,}|(?:\$@|@\$?)"(?:[^"]|"")*"|\$?"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\')'
    r'|(?P<identifier>[A-Za-z_]\w*)',
    re.DOTALL)
PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")


def files(*patterns):
    listed = subprocess.run(["git", "ls-files", "--", *patterns], capture_output=True, text=True, check=True)
    return listed.stdout.split()


def longest():
    section = re.search(r"^max_line_length\s*=\s*(\d+)", open(".editorconfig", encoding="utf-8").read(), re.MULTILINE)
    return int(section.group(1))


def words_of(source):
    """Yields the position and the text of each word of the list in the comments and identifiers of C#."""
    for token in TOKEN.finditer(source):
        text = token.group(0)
        if token.lastgroup == "comment":
            yield from ((token.start() + match.start(), match.group(0)) for match in WORDS.finditer(text) if match.group(0) not in ALLOWED)
        elif token.lastgroup == "identifier" and text not in ALLOWED and WORDS.search(PARTS.sub(" ", text)):
            yield token.start(), text


def main():
    found = []
    for name in files("README.md", "docs/*.md"):
        if name == "docs/reference/glossary.md":
            continue  # it names the words
        for number, line in enumerate(open(name, encoding="utf-8"), 1):
            line = re.sub(r"`[^`]*`", "", line)  # names of code
            found += [f"{name}:{number}: {match.group(0)}" for match in WORDS.finditer(line)]

    limit = longest()
    for name in files("*.cs"):
        source = open(name, encoding="utf-8").read()
        found += [f"{name}:{source.count(chr(10), 0, position) + 1}: {word}" for position, word in words_of(source)]
        for number, line in enumerate(source.split("\n"), 1):
            if len(line) > limit and '"' not in line:
                found.append(f"{name}:{number}: {len(line)} characters, of {limit} at most")

    print(*found, sep="\n", end="\n" if found else "")
    print(f"words.py: {len(found)} to mend")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
