#!/usr/bin/env python3
"""What `--noise` states beside the error that is left: noise.py PACKSHOT FOLDER [--only SHOT …] [--noise T …] [--seeds N]

Each shot of `peers/shots` is rendered with each threshold, with as many samples as it asks for, and held against many samples of another seed without a
threshold. The error of a pixel is in the measure of the threshold: |I − R|₁, divided by √|R|₁ where |R|₁ is below 1 and by |R|₁ above. A threshold is kept
where nineteen of twenty covered pixels have less than it states. FOLDER keeps the pictures; what is there is not rendered again, so remove what is not
`*.reference.exr` for a new build. Run by a Python with numpy and OpenEXR; PACKSHOT_SHARED names the folder with `peers/`. Exit code 1 when one is not kept.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

SHARED = Path(os.environ["PACKSHOT_SHARED"])
sys.path.insert(0, str(SHARED / "peers"))
import images  # noqa: E402

SHOTS = ["bearing_metal", "bearing_mixed", "studio_softboxes", "screw_sun"]
p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--only", nargs="*", choices=SHOTS, default=SHOTS)
p.add_argument("--noise", nargs="*", type=float, default=[0.1, 0.05, 0.02, 0.01])
p.add_argument("--seeds", type=int, default=2, help="number of pictures of each threshold")
p.add_argument("--size", type=int, default=160)
p.add_argument("--reference-samples", type=int, default=16384)
a = p.parse_args()
a.folder.mkdir(parents=True, exist_ok=True)


def picture(shot, name, *options):
    """The pixels, height × width × 4, and the mean samples of a pixel."""
    out = a.folder / f"{shot}.{name}.exr"
    said = out.with_suffix(".json")
    if not said.exists():
        size = ["--width", a.size, "--height", a.size, "--denoise", "off", "--exr", "float", "--device", "cpu"]
        command = [a.packshot.resolve(), "render", "--shot", SHARED / f"peers/shots/{shot}.json", *size, *options, "--json", "-o", out]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{command}\n{done.stdout}\n{done.stderr}")
        said.write_text(done.stdout)
    return images.read_image(out).astype(np.float64), json.loads(said.read_text())["samples_mean"]


print("| Shot | stated | samples | half of the pixels | 19 of 20 | 99 of 100 | above what is stated | with as many samples for each, 19 of 20 |")
print("|---|---|---|---|---|---|---|---|")
is_kept = True
for shot in a.only:
    reference, _ = picture(shot, "reference", "--samples", a.reference_samples, "--noise", 0, "--seed", 1000)
    covered = reference[..., 3] > 0
    brightness = np.abs(reference[..., :3]).sum(axis=-1)
    norm = 1e-4 + np.where(brightness < 1, np.sqrt(brightness), brightness)

    def errors(found):
        return (np.abs(found - reference)[..., :3].sum(axis=-1) / norm)[covered]

    for stated in a.noise:
        kept, counts, even = [], [], []
        for seed in range(a.seeds):
            found, mean = picture(shot, f"{stated}.{seed}", "--samples", 65536, "--noise", stated, "--seed", seed)
            kept.append(errors(found))
            counts.append(mean)
            found, _ = picture(shot, f"{stated}.{seed}.even", "--samples", max(1, round(mean)), "--noise", 0, "--seed", seed)
            even.append(errors(found))
        kept, even = np.concatenate(kept), np.concatenate(even)
        half, nineteen, most = np.quantile(kept, [0.5, 0.95, 0.99])
        above = np.mean(kept > stated)
        is_kept &= bool(nineteen <= stated)
        print(f"| {shot} | {stated} | {np.mean(counts):.0f} | {half:.4f} | {nineteen:.4f} | {most:.4f} | {above:.1%} | {np.quantile(even, 0.95):.4f} |", flush=True)
sys.exit(not is_kept)
