"""`packshot bench` on the four shots of the peers, with gates: speed.py PACKSHOT SHOTS OUT [--rounds N] [--size N]

SHOTS is the folder with their files. Run by a Python with bpy, mitsuba and pyluxcore. Writes the figures of each run below OUT and prints their tables; exit code 1 when a
renderer is missing, or Packshot is slower on a shot than the gates say. They tell a fall; the aims are in the README.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

SHOTS = ["bearing_metal", "bearing_mixed", "studio_softboxes", "screw_sun"]
# Samples a second over those of the peer, at equal samples, least median of the shots: what was measured on an AMD
# EPYC with AVX2 and 2 cores, less a fifth.
TIMES_MIN = {"cycles": 2.8, "mitsuba": 0.7}
# What is measured, each by those for whom it is worth the time: levels, peers, options.
RUNS = {
    "at-equal-samples": (["rays", "samples"], ["cycles", "mitsuba", "luxcore"], []),
    "to-equal-error": (["error"], ["mitsuba"], []),
    "requests": (["request"], ["cycles", "mitsuba"], ["--samples", 16]),
}

p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("shots", type=Path)
p.add_argument("out", type=Path)
p.add_argument("--rounds", type=int, default=3)
p.add_argument("--size", type=int, default=512)
p.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))
a = p.parse_args()
shots = [word for name in SHOTS for word in ("--shot", a.shots / f"{name}.json")]
faults = []
for run in a.only:
    levels, peers, options = RUNS[run]
    # Other processes may use a tenth of the machine: with less, three tries of each run would exceed the limit.
    command = [a.packshot.resolve(), "bench", *shots, "--level", ",".join(levels), f"--peers={','.join(peers)}", "--python", sys.executable,
               "--rounds", a.rounds, "--size", a.size, "--max-foreign-load", 0.1, "-o", a.out / run, *options]
    if code := subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL).returncode:
        faults.append(f"{run} ended with exit code {code}")
        if not (a.out / run / "figures.json").exists():
            continue
    print((a.out / run / "figures.md").read_text())
    figures = json.loads((a.out / run / "figures.json").read_text())
    faults += [f"{missing['name']} is missing: {missing['reason']}" for missing in figures["missing"]]
    for row in (row for level in levels for row in figures[level]):
        if "fault" in row:
            faults.append(f"{row['renderer']} on {row['shot']}: {row['fault']}")
    for row in figures["samples"]:
        least = TIMES_MIN.get(row["renderer"])
        if least and row.get("render_ratio") and row["render_ratio"]["median"] < least:
            faults.append(f"{row['shot']}: {row['render_ratio']['median']:.2f} times {row['renderer']}, less than {least}")
gates = ", ".join(f"{least} times {peer}" for peer, least in TIMES_MIN.items())
print(f"Gates: at least {gates} on every shot. {'All pass' if not faults else 'Fails: ' + '; '.join(faults)}.")
raise SystemExit(bool(faults))
