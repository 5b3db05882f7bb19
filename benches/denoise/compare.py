#!/usr/bin/env python3
"""Packshot's denoiser against Open Image Denoise on the same pictures.

    python3 -m venv oidn && oidn/bin/pip install pyoidn numpy
    cargo build --release -p packshot-denoiser --examples
    oidn/bin/python benches/denoise/compare.py target/release/examples/denoise FOLDER [--rounds 5]

FOLDER holds `color.npy` (height, width, 4: linear, premultiplied), `albedo.npy` and `normal.npy` (height, width, 3), all float32. With
`--synthetic 1920x1080` such files are made first. Prints the PSNR of Packshot's result against Open Image Denoise's on the
PU image (the values of its transfer curve, 1 at 65504, after exposure), the median times of interleaved rounds, their ratio, and the memory of both. Exit code 1
when the PSNR is below `--min-psnr`, or the ratio above `--max-ratio`.
"""

import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

import numpy as np


def synthetic(folder, width, height):
    """A smooth and a chequered pattern under exponential noise."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = 0.5 + 0.5 * np.sin(x / 37) * np.cos(y / 23)
    clean = np.stack([waves, 0.4 + 0.3 * np.sin((x + y) / 51), ((x // 64 + y // 64) % 2) * 0.8 + 0.1], -1)
    color = clean * rng.exponential(1.0, (height, width, 1))
    normal = np.stack([np.sin(x / 100), np.cos(y / 80), np.full_like(x, 0.5)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    folder.mkdir(parents=True, exist_ok=True)
    alpha = np.ones((height, width, 1))
    for name, image in [("color", np.concatenate([color, alpha], -1)), ("albedo", clean), ("normal", normal)]:
        np.save(folder / f"{name}.npy", np.ascontiguousarray(np.clip(image, -1 if name == "normal" else 0, None), np.float32))


def pu(y):
    """The transfer curve of Open Image Denoise, 1 at 65504."""
    a, b, c, d, e, f, g = 1.41283765e3, 1.64593172, 0.431384981, -2.94139609e-3, 0.192653254, 6.26026094e-3, 0.998620152
    y = np.maximum(np.asarray(y, np.float64), 0)
    x = np.where(y <= 1.57945760e-6, a * y, np.where(y <= 3.22087631e-2, b * y**c + d, e * np.log(y + f) + g))
    return x / 3.13512


def exposure(color):
    """0.18 over the geometric mean of the luminances of bins of at most 16×16 pixels."""
    height, width = color.shape[:2]
    luminance = np.clip(color[..., :3], 0, None) @ np.array([0.212671, 0.715160, 0.072169])
    rows, columns = -(-height // 16), -(-width // 16)
    cuts = [np.arange(n) * length // n for n, length in [(rows, height), (columns, width)]]
    sums = np.add.reduceat(np.add.reduceat(luminance, cuts[0], 0), cuts[1], 1)
    counts = np.outer(np.diff([*cuts[0], height]), np.diff([*cuts[1], width]))
    means = sums / counts
    means = means[means > 1e-8]
    return 0.18 / 2 ** np.mean(np.log2(means)) if means.size else 1.0


def oidn_filter(images, threads, quality, clean):
    """A committed filter of Open Image Denoise and the picture that it writes."""
    import pyoidn

    device = pyoidn.Device(pyoidn.OIDN_DEVICE_TYPE_CPU)
    device.set_int("numThreads", threads)
    device.commit()
    oidn = pyoidn.Filter(device, "RT")
    height, width = images["color"].shape[:2]
    out = np.zeros((height, width, 3), np.float32)
    for name, image in [*images.items(), ("output", out)]:
        oidn.set_image(name, image, pyoidn.OIDN_FORMAT_FLOAT3, width, height)
    oidn.set_bool("hdr", True)
    oidn.set_bool("cleanAux", clean)
    oidn.set_int("quality", {"fast": pyoidn.OIDN_QUALITY_FAST, "balanced": pyoidn.OIDN_QUALITY_BALANCED, "high": pyoidn.OIDN_QUALITY_HIGH}[quality])
    oidn.commit()
    # The first run allocates.
    oidn.execute()
    return oidn, out, device


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packshot", help="the example `denoise` of packshot-denoiser")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--synthetic", metavar="WxH")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quality", choices=["fast", "balanced", "high"], default="balanced")
    parser.add_argument("--noisy-guides", action="store_true")
    parser.add_argument("--weights", help="a TZA file for quality `high`")
    parser.add_argument("--memory-mib", type=int)
    parser.add_argument("--min-psnr", type=float, default=0.0)
    parser.add_argument("--max-ratio", type=float, default=float("inf"))
    arguments = parser.parse_args()
    if arguments.synthetic:
        synthetic(arguments.folder, *map(int, arguments.synthetic.split("x")))
    images = {name: np.load(arguments.folder / f"{name}.npy") for name in ["color", "albedo", "normal"]}
    images["color"] = np.ascontiguousarray(images["color"][..., :3])
    clean = not arguments.noisy_guides and arguments.quality != "fast"

    options = ["--threads", str(arguments.threads), "--repeat", "2"]
    options += ["--noisy-guides"] if arguments.noisy_guides else []
    options += ["--small"] if arguments.quality == "fast" else []
    options += ["--weights", arguments.weights] if arguments.weights else []
    options += ["--memory-mib", str(arguments.memory_mib)] if arguments.memory_mib else []
    paths = [str(arguments.folder / f"{name}.npy") for name in ["color", "albedo", "normal", "packshot"]]

    base_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    oidn, theirs, device = oidn_filter(images, arguments.threads, arguments.quality, clean)
    theirs_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base_kib
    times = {"oidn": [], "packshot": []}
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        oidn.execute()
        times["oidn"].append(time.perf_counter() - start)
        run = subprocess.run([arguments.packshot, *options, *paths], check=True, capture_output=True, text=True)
        *seconds, ours_kib = run.stdout.split()
        times["packshot"].append(float(seconds[-1]))
    inputs_kib = sum(image.nbytes for image in images.values()) * 10 / 9 / 1024
    ours = np.load(arguments.folder / "packshot.npy")[..., :3]
    factor = exposure(images["color"])
    difference = pu(ours * factor) - pu(theirs * factor)
    median = {name: statistics.median(values) for name, values in times.items()}
    ratios = [ours / theirs for ours, theirs in zip(times["packshot"], times["oidn"])]
    found = {
        "size": list(ours.shape[:2]),
        "psnr_db": round(float(-10 * np.log10(max(np.mean(difference**2), 1e-30))), 2),
        "difference_max": float(np.abs(difference).max()),
        "finite": bool(np.isfinite(ours).all()),
        "oidn_s": round(median["oidn"], 4),
        "packshot_s": round(median["packshot"], 4),
        "time_ratio": round(statistics.median(ratios), 3),
        "time_ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
        "oidn_mib": round(theirs_kib / 1024),
        "packshot_mib": round((int(ours_kib) - inputs_kib) / 1024),
    }
    print("| " + " | ".join(found) + " |\n|" + "---|" * len(found) + "\n| " + " | ".join(str(value) for value in found.values()) + " |")
    return int(not found["finite"] or found["psnr_db"] < arguments.min_psnr or found["time_ratio"] > arguments.max_ratio)


if __name__ == "__main__":
    sys.exit(main())
