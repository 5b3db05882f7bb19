#!/usr/bin/env python3
"""A turntable by Packshot and by Blender, alternating: run.py PACKSHOT FOLDER [--rounds N] [--frames-range A..B]

The bearing with materials from its map, 72 frames, 512×512, 16 samples, denoised, as PNGs. Both show the same shot: a camera is put into a copy of the file, and the rig's map is
taken from `packshot render --dump-shot`. Blender runs once for all frames with persistent data, Open Image Denoise at the quality BALANCED. Times are those of whole processes,
start to end. Prints a table, the ratio of medians and mean FLIP between the frames of both. Run by a Python with bpy, numpy, Pillow and flip_evaluator;
PACKSHOT_SHARED names the folder with `peers/` and `assets/`.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SHARED = Path(os.environ["PACKSHOT_SHARED"])
sys.path.insert(0, str(SHARED / "peers"))
sys.path.insert(0, str(HERE.parent))
import compare  # noqa: E402
import images  # noqa: E402
from plain_shot import make_plain  # noqa: E402

p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--rounds", type=int, default=3)
p.add_argument("--size", type=int, default=512)
p.add_argument("--samples", type=int, default=16)
p.add_argument("--frames", type=int, default=72, help="number of frames of a whole turn")
p.add_argument("--frames-range", default=None, help="A..B: only these frames, for a shorter measurement")
p.add_argument("--threads", type=int, default=2)
p.add_argument("--quality", default="BALANCED", choices=("FAST", "BALANCED", "HIGH"))
a = p.parse_args()
first, end = map(int, a.frames_range.split("..")) if a.frames_range else (0, a.frames)
a.folder.mkdir(parents=True, exist_ok=True)


def with_camera(source, target):
    """A copy of a GLB with a camera at the front right, slightly above, with a 36 mm sensor and an 85 mm lens."""
    data = source.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    document, rest = json.loads(data[20:20 + length]), data[20 + length:]
    azimuth, elevation, distance = np.radians(35), np.radians(20), 0.165
    back = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    right = np.cross([0, 1, 0], back) / np.cos(elevation)
    frame = np.eye(4)
    frame[:3, 0], frame[:3, 1], frame[:3, 2], frame[:3, 3] = right, np.cross(back, right), back, back * distance
    document.setdefault("cameras", []).append({"type": "perspective", "perspective": {"yfov": 2 * np.arctan(18 / 85), "znear": 0.01, "zfar": 1}})
    document["nodes"].append({"name": "Turntable", "camera": len(document["cameras"]) - 1, "matrix": frame.T.reshape(-1).tolist()})
    document["scenes"][document.get("scene", 0)]["nodes"].append(len(document["nodes"]) - 1)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    target.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + len(rest)) + struct.pack("<I4s", len(text), b"JSON") + text + rest)


def timed(command):
    """Wall clock, processor time and standard output of a process."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


glb, shot = a.folder / "bearing.glb", a.folder / "shot.json"
with_camera(SHARED / "assets/bearing_6205.glb", glb)
product = [glb, "--material-map", SHARED / "assets/maps/bearing_6205.json", "--camera", "Turntable", "--width", a.size, "--height", a.size, "--samples", a.samples,
           "--noise", 0, "--device", "cpu", "--threads", a.threads, "-q"]
timed([a.packshot, "render", *product, "--denoise", "on", "--dump-shot", shot])
make_plain(shot)
rows = []
print("| Round | Packshot, s | processor | sampling | denoiser | Blender, s | processor | ratio |\n|---|---|---|---|---|---|---|---|")
for number in range(a.rounds):
    for side in ("packshot", "blender"):
        shutil.rmtree(a.folder / side, ignore_errors=True)
    ours = timed([a.packshot, "turntable", *product, "--denoise", "on", "--frames", a.frames, "--frames-range", f"{first}..{end}", "--json", "-o", f"{a.folder}/packshot/"])
    theirs = timed([sys.executable, HERE / "blender.py", SHARED / "peers", a.frames, first, end, a.folder / "blender", a.quality, shot, "--threads", a.threads])
    seconds = json.loads(ours[2])["seconds"]
    rows.append((ours[0], theirs[0], ours[1], theirs[1]))
    print(f"| {number + 1} | {ours[0]:.1f} | {ours[1]:.1f} | {seconds['render']:.1f} | {seconds.get('denoise', 0):.1f} | {theirs[0]:.1f} | {theirs[1]:.1f} | {theirs[0] / ours[0]:.2f} |",
          flush=True)
wall = [statistics.median(row[k] for row in rows) for k in range(4)]
print(f"medians: wall {wall[1] / wall[0]:.2f} times, processor time {wall[3] / wall[2]:.2f} times; encode (beside sampling) {seconds['encode']:.1f} s in the last round")
for frame in sorted({first, (first + end) // 2, end - 1}):
    pictures = [images.read_image(a.folder / side / f"frame_{frame:04}.png") for side in ("packshot", "blender")]
    numbers, shown, flip = compare.compare(*pictures, linear=False)
    compare.side_by_side(a.folder / f"beside_{frame:04}.png", shown, flip, ["Packshot", "Blender", "FLIP"])
    print(f"frame {frame}: FLIP mean {numbers['flip_mean']:.4f}, alpha IoU {numbers['alpha_iou']:.5f}")
