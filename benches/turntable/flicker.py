#!/usr/bin/env python3
"""How much denoised frames of a turntable flicker: flicker.py PACKSHOT FOLDER [--product NAME] [--samples N] [--pairs N]

Neighbouring frames of a product at 16 samples, denoised: with one seed for all frames, as `turntable` has it, and with another seed for each. The same frames with many
samples and without denoiser say what motion alone changes. Two figures: mean FLIP between neighbours less that of the reference; and the change of the error (picture less
its reference, display values of 255) between neighbours, in which motion has no part. Means over pixels that the product covers. FOLDER keeps the frames. Run by a
Python with numpy, Pillow and flip_evaluator; PACKSHOT_SHARED names the folder with `peers/`.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(os.environ["PACKSHOT_SHARED"]) / "peers"))
import compare  # noqa: E402
import images  # noqa: E402

p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--product", choices=["sample", "bearing_6205", "gear_reducer"], default="sample", help="the built-in bearing, or a shared asset with its material map")
p.add_argument("--pairs", type=int, default=8)
p.add_argument("--size", type=int, default=256)
p.add_argument("--samples", type=int, default=16)
p.add_argument("--reference-samples", type=int, default=1024)
a = p.parse_args()
ASSETS = Path(os.environ["PACKSHOT_SHARED"]) / "assets"
PRODUCT = ["--sample", "bearing"] if a.product == "sample" else [ASSETS / f"{a.product}.glb", "--material-map", ASSETS / f"maps/{a.product}.json"]


def frames(name, samples, denoise, seeds):
    """Frames as straight-alpha display values."""
    pictures = []
    for k in range(a.pairs + 1):
        folder = a.folder / f"{a.product}_{name}_{samples}_{seeds[k]}"
        path = folder / f"frame_{k:04}.png"
        if not path.exists():
            command = [a.packshot, "turntable", *PRODUCT, "--frames-range", f"{k}..{k + 1}", "--width", a.size, "--height", a.size, "--samples", samples, "--noise", 0,
                       "--denoise", denoise, "--seed", seeds[k], "--device", "cpu", "--format", "png", "-q", "-o", f"{folder}/"]
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{command}\n{done.stderr}")
        pictures.append(images.read_image(path))
    return pictures


def over_grey(picture):
    return picture[..., :3] * picture[..., 3:] + 0.5 * (1 - picture[..., 3:])


one, each = [0] * (a.pairs + 1), list(range(100, 101 + a.pairs))
kinds = {"noisy, one seed": ("noisy", a.samples, "off", one), "noisy, a seed each": ("noisy", a.samples, "off", each),
         "denoised, one seed": ("denoised", a.samples, "on", one), "denoised, a seed each": ("denoised", a.samples, "on", each)}
reference = frames("reference", a.reference_samples, "off", one)
masks = [(reference[k][..., 3] > 0.001) | (reference[k + 1][..., 3] > 0.001) for k in range(a.pairs)]
neighbours = lambda shown: float(np.mean([compare.flip_map(shown[k], shown[k + 1], 67.0)[masks[k]].mean() for k in range(a.pairs)]))
still = [over_grey(picture) for picture in reference]
motion = neighbours(still)
print(f"{a.pairs} pairs of neighbours; mean FLIP of the reference's neighbours {motion:.4f}")
print("| Frames | FLIP to the reference | FLIP of neighbours | less the reference's | change of the error, of 255 | error, of 255 |\n|---|---|---|---|---|---|")
for kind, settings in kinds.items():
    shown = [over_grey(picture) for picture in frames(*settings)]
    error = [shown[k] - still[k] for k in range(a.pairs + 1)]
    size = 255 * float(np.mean([np.abs(error[k])[masks[k]].mean() for k in range(a.pairs)]))
    change = 255 * float(np.mean([np.abs(error[k + 1] - error[k])[masks[k]].mean() for k in range(a.pairs)]))
    away = float(np.mean([compare.flip_map(still[k], shown[k], 67.0)[masks[k]].mean() for k in range(a.pairs)]))
    between = neighbours(shown)
    print(f"| {kind} | {away:.4f} | {between:.4f} | {between - motion:+.4f} | {change:.2f} | {size:.2f} |", flush=True)
