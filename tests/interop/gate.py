#!/usr/bin/env python3
"""The verdict over the results of the official MCP conformance suite.

The suite's own exit code is no gate: with --requirements it ignores warnings,
and a skipped scenario shows a tick. This gate is red for

  * a check that ended as FAILURE, WARNING or SKIPPED,
  * a scenario in which no check of its own succeeded (VACUOUS),
  * a pinned check that did not succeed (MISSING): --pins holds what a run that
    passed has shown, so that nothing is lost without a sign.

An allow list names exceptions, one a line: `scenario:check-id  # reason`;
`scenario:-` lets a scenario that the suite itself skips be skipped.

usage: gate.py RESULTS [--pins FILE] [--write-pins FILE] [--allow FILE]
"""

import argparse
import json
import re
import sys
from pathlib import Path

RED = ("FAILURE", "WARNING", "SKIPPED")
# Shown in every scenario over the wire, so it proves nothing of one.
COMMON = {"wire-schema-valid"}
STAMP = re.compile(r"-20\d\d-\d\d-\d\dT[\d-]+Z$")
KIND = re.compile(r"^(server|authorization-server)-")


def scenario_of(folder: str) -> str:
    """A result folder's scenario: kind and time stamp taken off its name."""
    name = STAMP.sub("", folder)
    return name if "/" in folder else KIND.sub("", name, count=1)


def read_results(root: Path) -> dict[str, list[dict]]:
    """Every scenario's checks, by scenario."""
    results: dict[str, list[dict]] = {}
    for file in sorted(root.rglob("checks.json")):
        scenario = scenario_of(file.parent.relative_to(root).as_posix())
        results.setdefault(scenario, []).extend(json.loads(file.read_text()))
    return results


def read_allowed(file: Path | None) -> set[str]:
    """The exceptions, without their reasons."""
    lines = file.read_text().splitlines() if file else []
    return {entry for line in lines if (entry := line.split("#")[0].strip())}


def succeeded(checks: list[dict]) -> set[str]:
    return {check["id"] for check in checks if check["status"] == "SUCCESS"}


def refusals(scenario: str, checks: list[dict], allowed: set[str]):
    """What is red in one scenario, as (check, status, reason)."""
    may_skip = f"{scenario}:-" in allowed
    for check in checks:
        status = check["status"]
        if status not in RED or f"{scenario}:{check['id']}" in allowed:
            continue
        if status == "SKIPPED" and may_skip:
            continue
        reason = check.get("errorMessage") or check.get("description") or ""
        yield check["id"], status, reason[:160]
    if not succeeded(checks) - COMMON and not may_skip:
        yield "-", "VACUOUS", "no check of its own succeeded"


def losses(pins: dict[str, list[str]], results: dict[str, list[dict]], allowed: set[str]):
    """Pinned checks that did not succeed this time."""
    for scenario, pinned in pins.items():
        lost = set(pinned) - succeeded(results.get(scenario, []))
        for check in sorted(lost):
            if f"{scenario}:{check}" not in allowed:
                yield scenario, check, "MISSING", "a pinned check did not succeed"


def main() -> int:
    parser = argparse.ArgumentParser(description="The verdict over a conformance run.")
    parser.add_argument("results", type=Path)
    parser.add_argument("--pins", type=Path)
    parser.add_argument("--write-pins", type=Path)
    parser.add_argument("--allow", type=Path)
    options = parser.parse_args()

    results = read_results(options.results)
    allowed = read_allowed(options.allow)
    red = [
        (scenario, *refusal)
        for scenario, checks in results.items()
        for refusal in refusals(scenario, checks, allowed)
    ]
    if not results:
        red.append(("-", "-", "EMPTY", f"no results in {options.results}"))
    if options.write_pins:
        pins = {scenario: sorted(succeeded(checks)) for scenario, checks in results.items()}
        options.write_pins.write_text(json.dumps(pins, indent=1) + "\n")
    if options.pins:
        red.extend(losses(json.loads(options.pins.read_text()), results, allowed))

    for line in red:
        print("FAIL", *line, sep="\t")
    statuses = [check["status"] for checks in results.values() for check in checks]
    print(f"{statuses.count('SUCCESS')} passed, {len(red)} failed")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
