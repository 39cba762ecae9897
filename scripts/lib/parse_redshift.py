"""Parses SQL statements as Redshift's, by the grammar of sqlfluff: a second opinion that nobody here wrote.

Reads a JSON array of statements and prints a JSON array of those that are no Redshift SQL: [{"index": …, "why": …}].
"""

import json
import sys

from sqlfluff.core import FluffConfig, Linter


def problem(linter, statement):
    """What is wrong with a statement; None when all of it was understood."""
    parsed = linter.parse_string(statement)
    if parsed.violations:
        return "; ".join(violation.desc() for violation in parsed.violations)
    if parsed.tree is None:
        return "nothing was parsed"
    unparsable = [segment.raw for segment in parsed.tree.recursive_crawl("unparsable")]
    return f"not understood: {unparsable}" if unparsable else None


def main():
    # The raw templater: braces in names are no template.
    linter = Linter(config=FluffConfig(overrides={"dialect": "redshift", "templater": "raw"}))
    statements = json.load(sys.stdin)
    found = [{"index": index, "why": problem(linter, statement)} for index, statement in enumerate(statements)]
    json.dump([one for one in found if one["why"]], sys.stdout)


if __name__ == "__main__":
    main()
