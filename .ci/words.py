#!/usr/bin/env python3
"""Checks the words of docs/, README.md and XML documentation, and the length of lines: .ci/words.py

The list is short on purpose: words that docs/reference/glossary.md replaces and that have no other use here. A line of C# has at most
as many characters as .editorconfig says (max_line_length), unless it holds a string literal, which may be worth more unbroken. Exit
code 1 if anything is found."""
import re
import subprocess
import sys

WORDS = re.compile(
    r"\b(whoever|whomever|nobody|told|hears|heard|lots|doors?|verdicts?|let go|lets go|letting go|for good|by heart|on its way down|hurry|farewell|goodbye|patience)\b",
    re.IGNORECASE)


def files(*patterns):
    listed = subprocess.run(["git", "ls-files", "--", *patterns], capture_output=True, text=True, check=True)
    return listed.stdout.split()


def longest():
    section = re.search(r"^max_line_length\s*=\s*(\d+)", open(".editorconfig", encoding="utf-8").read(), re.MULTILINE)
    return int(section.group(1))


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
        for number, line in enumerate(open(name, encoding="utf-8"), 1):
            line = line.rstrip("\n")
            if name.startswith("src/") and line.lstrip().startswith("///"):
                found += [f"{name}:{number}: {match.group(0)}" for match in WORDS.finditer(line)]
            if len(line) > limit and '"' not in line:
                found.append(f"{name}:{number}: {len(line)} characters, of {limit} at most")

    print(*found, sep="\n", end="\n" if found else "")
    print(f"words.py: {len(found)} to mend")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
