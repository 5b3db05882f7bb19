"""Writes the output of a part of scripts/measure to benches/MEASURED.md, replacing the part's section.

    record.py PART STATUS --seconds N --load N --limit-min N [--quick yes] < SECTION

STATUS is the part's exit code: 0 passed, 124 or 137 ran into its limit of time, anything else failed.
"""
import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FILE = HERE / "MEASURED.md"
HEAD = """# Measured

What [scripts/measure](../scripts/measure) found, a section for each part: its gates, where and on which commit they were tried, and its figures. A section is replaced
when its part is measured again. Other figures are in [the benchmark notes](NOTES.md), how they came about in [the decisions](../docs/decisions/README.md).
"""


def git(*words):
    return subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()


def processor():
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M) if Path("/proc/cpuinfo").exists() else []
    return names[0] if names else platform.processor() or platform.machine()


p = argparse.ArgumentParser()
p.add_argument("part")
p.add_argument("status", type=int)
p.add_argument("--seconds", type=int, required=True)
p.add_argument("--load", required=True)
p.add_argument("--limit-min", required=True)
p.add_argument("--quick", default="")
a = p.parse_args()

verdicts = {0: "**Passed.**", 124: f"**Failed:** ended after {a.limit_min} minutes."}
# A part that does not end at its limit is killed, and so is one that runs out of memory.
verdicts[137] = verdicts[124] if a.seconds >= 60 * int(a.limit_min) else "**Failed:** it was killed."
verdict = verdicts.get(a.status, "**Failed** its gates, or ended before it had tried them.")
commit = git("rev-parse", "--short=12", "HEAD")
if git("status", "--porcelain", "--", ":/", f":!{FILE.name}"):
    commit += " with changes"
lines = [f"## {a.part}", "", verdict, ""]
if a.quick:
    lines += ["**With --quick:** small pictures and low counts, which show that the part works. Its figures are no measurement.", ""]
today = datetime.datetime.now(datetime.timezone.utc).date()
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
lines += [f"Commit {commit}, {today}, {processor()}, {cores} cores; load before {a.load}; `scripts/measure {'--quick ' if a.quick else ''}{a.part}`, {a.seconds} s.", ""]
section = "\n".join([*lines, sys.stdin.read().strip()]) + "\n"
if a.quick:
    # A check that the part works must not replace its measurements.
    print(section)
    raise SystemExit

text = FILE.read_text() if FILE.exists() else HEAD
sections = re.split(r"^(?=## )", text, flags=re.M)
places = [i for i, old in enumerate(sections) if old.startswith(f"## {a.part}\n")]
if places:
    sections[places[0]] = section
else:
    sections.append(section)
FILE.write_text("\n".join(each.strip() + "\n" for each in sections))
print(section)
