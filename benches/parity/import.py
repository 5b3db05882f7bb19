"""Import time and memory against Blender's importer: import.py PACKSHOT [--rounds N] [FILE …]

Packshot and Blender read the same files in turn, each in a process of its own. Import is what each measures around reading the file: `seconds.import` of a
render of one pixel, and `bpy.ops.import_scene.gltf` with its default options. Memory is the greatest resident set: of Packshot that of a whole
`packshot preflight`, of Blender what the import adds to a process that is up. Prints medians. Run by a Python with bpy; PACKSHOT_SHARED names the
folder with `assets/`.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

BLENDER = """
import json, logging, resource, sys, time
import bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun, cpu = time.perf_counter(), time.process_time()
bpy.ops.import_scene.gltf(filepath=sys.argv[1], loglevel=logging.CRITICAL)
seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("RESULT", json.dumps({"import": seconds, "cpu": cpu, "mib": (peak - before) / 1024}))
"""


def blender(path):
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", BLENDER, path], capture_output=True, text=True, check=True)
    result = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))[7:])
    return {**result, "process": time.perf_counter() - begun}


def packshot(binary, path):
    """Runs `packshot preflight` in a child of its own, so that the peak memory is only its own."""
    child = """
import json, resource, subprocess, sys, time
begun = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"process": time.perf_counter() - begun, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}))
"""
    done = subprocess.run([sys.executable, "-c", child, binary, "preflight", path, "--on-unmapped", "keep"], capture_output=True, text=True, check=True)
    pixel = [binary, "render", path, "--on-unmapped", "keep", "--width", "1", "--height", "1", "--samples", "1", "--device", "cpu", "--quiet", "--json"]
    seconds = json.loads(subprocess.run(pixel, capture_output=True, text=True, check=True).stdout)["seconds"]
    return {**json.loads(done.stdout), "import": seconds["import"]}


p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("files", nargs="*", type=Path)
p.add_argument("--rounds", type=int, default=5)
a = p.parse_args()
assets = Path(os.environ.get("PACKSHOT_SHARED", "")) / "assets"
print("| File | Packshot: import s | whole process s (CPU s) | MiB | Blender: import s (CPU s) | whole process s | MiB | import, times |\n|---|---|---|---|---|---|---|---|")
for path in a.files or [assets / "gear_reducer.glb", assets / "conveyor_10k.glb"]:
    ours, theirs = [], []
    for turn in range(a.rounds):
        for which in ("ours", "theirs") if turn % 2 == 0 else ("theirs", "ours"):
            if which == "ours":
                ours.append(packshot(a.packshot, path))
            else:
                theirs.append(blender(str(path)))
    median = lambda runs, member: statistics.median(run[member] for run in runs)
    print(f"| {path.stem} | {median(ours, 'import'):.3f} | {median(ours, 'process'):.3f} ({median(ours, 'cpu'):.3f}) | {median(ours, 'mib'):.0f} | {median(theirs, 'import'):.2f} "
          f"({median(theirs, 'cpu'):.2f}) | {median(theirs, 'process'):.2f} | {median(theirs, 'mib'):.0f} | {median(theirs, 'import') / median(ours, 'import'):.0f} |", flush=True)
