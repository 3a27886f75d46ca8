#!/usr/bin/env python3
"""Writes docs/reference/settings.md and the rows of settings in README.md from the tables of src/Host/Features: .ci/settings.py

Builds the Host and runs its command `check --list markdown`. A row of README.md is replaced by that of the same key; which keys README.md
has is decided there. SettingsDocumentTests fails until the result is committed."""
import os
import re
import subprocess
import sys

KEY = re.compile(r"^\| `(Weir:[^`]+)` \|")


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    page = subprocess.run(
        ["dotnet", "run", "--project", "src/Host", "-c", "Release", "--", "check", "--list", "markdown"],
        check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout
    with open("docs/reference/settings.md", "w", encoding="utf-8", newline="\n") as file:
        file.write(page)

    rows = {match.group(1): line for line in page.splitlines() if (match := KEY.match(line))}
    lines = open("README.md", encoding="utf-8").read().split("\n")
    for number, line in enumerate(lines):
        if match := KEY.match(line):
            if match.group(1) not in rows:
                print(f"README.md:{number + 1}: {match.group(1)} is not a setting")
                return 1
            lines[number] = rows[match.group(1)].replace("](../", "](docs/")

    with open("README.md", "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(lines))

    print(f"{len(rows)} settings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
