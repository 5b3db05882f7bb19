#!/usr/bin/env python3
"""Denoised pictures with few samples, compared with those of Cycles: beside_cycles.py PACKSHOT FOLDER [--only NAME …] [--seeds N] [--sheet PNG]

The same shots (`packshot render --dump-shot`) go through Packshot and through Cycles with its Open Image Denoise. Either is held against ITS OWN picture of many
samples without denoiser, so that what they show differently does not count. FOLDER keeps shots and pictures; what is there is not rendered again, so
remove Packshot's `*.packshot.16.*.exr` for a new build. Run by a Python with bpy, numpy, OpenEXR, Pillow and flip_evaluator; PACKSHOT_SHARED names the folder
with `peers/` and `assets/`. Exit code 1 when Packshot's mean FLIP is above that of Cycles with the quality BALANCED on any shot,
with either pattern of samples.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SHARED = Path(os.environ["PACKSHOT_SHARED"])
sys.path.insert(0, str(SHARED / "peers"))
sys.path.insert(0, str(HERE.parent))
import compare  # noqa: E402
import images  # noqa: E402
from plain_shot import make_plain  # noqa: E402

ASSETS = SHARED / "assets"
# The options of each shot. On both sides, the grid has the materials of its file as Blender reads them.
SHOTS = {
    "bearing": [ASSETS / "bearing_6205.glb", "--material-map", ASSETS / "maps/bearing_6205.json"],
    "gear_reducer": [ASSETS / "gear_reducer.glb", "--material-map", ASSETS / "maps/gear_reducer.json"],
    "materials_grid": [ASSETS / "materials_grid.glb", "--on-unmapped", "keep"],
}
# The quality of Cycles' denoiser, and the pattern of its samples.
CYCLES = [("BALANCED", "TABULATED_SOBOL"), ("BALANCED", "BLUE_NOISE"), ("HIGH", "BLUE_NOISE")]
p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--only", nargs="*", choices=list(SHOTS))
p.add_argument("--size", type=int, default=256)
p.add_argument("--samples", type=int, default=16)
p.add_argument("--reference-samples", type=int, default=4096)
p.add_argument("--seeds", type=int, default=3, help="number of pictures with few samples; figures are their means")
p.add_argument("--threads", type=int, default=2)
p.add_argument("--references", action="store_true", help="render what is missing and end")
p.add_argument("--sheet", type=Path, help="reference | noisy | denoised | FLIP of that, Packshot above Cycles")
a = p.parse_args()
a.packshot = a.packshot.resolve()
a.folder.mkdir(parents=True, exist_ok=True)


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout}\n{done.stderr}")


def shot(name):
    path = a.folder / f"{name}.json"
    if not path.exists():
        run(a.packshot, "render", *SHOTS[name], "--width", a.size, "--height", a.size, "--samples", 1, "--noise", 0, "--dump-shot", path, "-q", "--device", "cpu")
        make_plain(path)
    return path


def packshot(name, samples, seed, is_denoised, _):
    denoise = "on" if is_denoised else "off"
    out = a.folder / f"{name}.packshot.{samples}.{seed}.{denoise}.exr"
    if not out.exists():
        look = ["--look", "blender-5.0"] if name == "materials_grid" else []
        run(a.packshot, "render", "--shot", shot(name), "--samples", samples, "--noise", 0, "--seed", seed, "--denoise", denoise, *look, "--exr", "float",
            "--device", "cpu", "--threads", a.threads, "-q", "-o", out)
    return images.read_image(out)


def cycles(name, samples, seed, is_denoised, way):
    quality, pattern = way
    out = a.folder / f"{name}.cycles.{samples}.{seed}.{quality if is_denoised else 'off'}.{pattern}.exr"
    if not out.exists():
        film = ["--denoise"] if is_denoised else []
        run(sys.executable, HERE / "cycles_denoised.py", SHARED / "peers", quality, "ACCURATE", pattern, shot(name), "--samples", samples, "--seed", seed, *film,
            "--threads", a.threads, "--exr", out)
    return images.read_image(out)


def figures(reference, pictures):
    """Means over the seeds of FLIP over covered pixels, and of the relative mean squared error without the worst thousandth of the pixels."""
    rows = [compare.compare(reference, picture) for picture in pictures]
    numbers = [row[0] for row in rows]
    mean = {key: float(np.mean([n[key] for n in numbers])) for key in ("flip_mean", "flip_p95", "relmse_trimmed", "relmse")}
    return {**mean, "spread": float(np.ptp([n["flip_mean"] for n in numbers]))}, rows[0][1], rows[0][2]


def heat(flip):
    stops = np.array([[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]], np.float32) / 255
    x = np.clip(flip * 5, 0, 1)[..., None] * 4  # 0.2 is white
    i = np.minimum(x.astype(int), 3)[..., 0]
    return stops[i] + (stops[i + 1] - stops[i]) * (x - i[..., None])


seeds = range(1, a.seeds + 1)
chosen = a.only or list(SHOTS)
strips, worse = [], []
if a.references:
    for name in chosen:
        packshot(name, a.reference_samples, 0, False, None)
        cycles(name, a.reference_samples, 0, False, CYCLES[0])
    raise SystemExit
print("| Shot | | FLIP noisy | FLIP denoised | between seeds | 95 % | relMSE noisy | relMSE denoised |\n|---|---|---|---|---|---|---|---|")
for name in chosen:
    means = {}
    for label, render, ways in (("Packshot", packshot, [None]), ("Cycles", cycles, CYCLES)):
        reference = render(name, a.reference_samples, 0, False, ways[0])
        for way in ways:
            noisy, shown_noisy, _ = figures(reference, [render(name, a.samples, seed, False, way) for seed in seeds])
            denoised, shown, flip = figures(reference, [render(name, a.samples, seed, True, way) for seed in seeds])
            means[way] = denoised["flip_mean"]
            print(f"| {name} | {label}{'' if way is None else ' ' + ', '.join(way)} | {noisy['flip_mean']:.4f} | {denoised['flip_mean']:.4f} | {denoised['spread']:.4f} | "
                  f"{denoised['flip_p95']:.4f} | {noisy['relmse_trimmed']:.2e} | {denoised['relmse_trimmed']:.2e} |", flush=True)
            if way is None or way == ("BALANCED", "BLUE_NOISE"):
                strips.append(np.hstack([shown[0], shown_noisy[1], shown[1], heat(flip)]))
    worse += [name] if any(means[None] > means[way] for way in CYCLES if way[0] == "BALANCED") else []
if a.sheet:
    from PIL import Image
    Image.fromarray((np.vstack(strips) * 255 + 0.5).astype(np.uint8)).save(a.sheet)
print(f"Packshot is worse on: {', '.join(worse) or 'none'}")
raise SystemExit(bool(worse))
