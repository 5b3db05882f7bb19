#!/usr/bin/env python3
"""The contents of turntable movies, and the time to make them: movies.py PACKSHOT FOLDER [--formats mp4 webp apng]

The sample bearing is rendered as frames in a folder; each movie is made of a copy of that folder, so that what is measured is reading frames back and encoding them, with the start
of a process. Its share is that of the processor time of rendering and encoding together. Then what `ffprobe` says of the MP4, and the mean FLIP between neighbouring frames that `ffmpeg` decodes of it, all around the
turn: the step from the last to the first must be one like the others. Run by a Python with numpy, Pillow and flip_evaluator; PACKSHOT_SHARED names the folder with `peers/`.
"""
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(os.environ["PACKSHOT_SHARED"]) / "peers"))
import compare  # noqa: E402

p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--formats", nargs="*", default=["mp4", "webp", "apng"])
p.add_argument("--frames", type=int, default=72)
p.add_argument("--size", type=int, default=512)
p.add_argument("--samples", type=int, default=16)
a = p.parse_args()
a.folder.mkdir(parents=True, exist_ok=True)


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stderr}")
    return done.stdout


def processor_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def turntable(output):
    """Result, wall clock and processor time, seconds."""
    cpu, begun = processor_s(), time.perf_counter()
    result = run(a.packshot, "turntable", "--sample", "bearing", "--frames", a.frames, "--width", a.size, "--height", a.size, "--samples", a.samples, "--noise", 0, "--denoise", "on",
                 "--device", "cpu", "--threads", 2, "--json", "-q", "-o", output)
    return json.loads(result), time.perf_counter() - begun, processor_s() - cpu


frames = a.folder / "turn"
shutil.rmtree(frames, ignore_errors=True)
result, wall, rendering = turntable(f"{frames}/")
seconds, size = result["seconds"], sum(path.stat().st_size for path in frames.glob("frame_*"))
print(f"frames: {wall:.1f} s, {rendering:.1f} s of processors; sampling {seconds['render']:.1f} s, denoising {seconds['denoise']:.1f} s, writing PNGs beside that {seconds['encode']:.1f} s; "
      f"{size / 1e6:.2f} MB")
print("| Movie | whole, s | processor, s | its share | a frame, ms | MB |\n|---|---|---|---|---|---|")
for form in a.formats:
    movie = a.folder / f"turn.{form}"
    movie.unlink(missing_ok=True)
    shutil.rmtree(f"{movie}.frames", ignore_errors=True)
    shutil.copytree(frames, f"{movie}.frames")
    result, wall, cpu = turntable(movie)
    if result["rendered"]:
        raise SystemExit(f"{result['rendered']} frames were rendered again")
    print(f"| {form} | {wall:.2f} | {cpu:.2f} | {cpu / (cpu + rendering):.1%} | {result['movie']['encode_ms_mean']:.1f} | {result['movie']['bytes'] / 1e6:.2f} |", flush=True)

if "mp4" in a.formats:
    movie = a.folder / "turn.mp4"
    entries = "stream=codec_name,profile,width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,r_frame_rate,nb_read_frames,duration"
    print(run("ffprobe", "-v", "error", "-count_frames", "-show_entries", entries, "-of", "default=noprint_wrappers=1", movie))
    run("ffmpeg", "-v", "error", "-y", "-i", movie, a.folder / "decoded_%04d.png")
    decoded = [np.asarray(Image.open(path).convert("RGB"), np.float32) / 255 for path in sorted(a.folder.glob("decoded_*.png"))[:a.frames]]
    steps = [float(compare.flip_map(decoded[k], decoded[(k + 1) % len(decoded)], 67.0).mean()) for k in range(len(decoded))]
    print(f"{len(decoded)} frames; FLIP of neighbours {min(steps[:-1]):.4f} to {max(steps[:-1]):.4f}, mean {np.mean(steps[:-1]):.4f}; from the last to the first {steps[-1]:.4f}; "
          f"the steps beside that {steps[-2]:.4f} and {steps[0]:.4f}")
    stills = [np.asarray(Image.open(path).convert("RGBA"), np.float32) / 255 for path in sorted(frames.glob("frame_*.png"))]
    on_white = [still[..., :3] * still[..., 3:] + 1 - still[..., 3:] for still in stills]
    print(f"against the frames as PNGs over white: FLIP {np.mean([compare.flip_map(s, f, 67.0).mean() for s, f in zip(on_white, decoded)]):.4f}")
