#!/usr/bin/env python3
"""What films of a turntable hold and what they cost: films.py PACKSHOT FOLDER [--formats mp4 webp apng]

The sample bearing as frames in a folder and as each film: time of the whole, of sampling and denoising. A film is encoded beside sampling, on the same cores; what it costs is the
processor time of the whole less that of the frames alone, which are written for a film, too. Then what `ffprobe` says of the MP4, and the mean FLIP between neighbouring frames that `ffmpeg` decodes of it, all around the
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
p.add_argument("--formats", nargs="*", default=["frames", "mp4", "webp", "apng"])
p.add_argument("--frames", type=int, default=72)
p.add_argument("--size", type=int, default=512)
p.add_argument("--samples", type=int, default=16)
p.add_argument("--rounds", type=int, default=1)
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


print("| Film | whole, s | processor, s | sampling, s | denoising, s | processor for the film, s | its share | encoding a frame, ms | MB |\n|---|---|---|---|---|---|---|---|---|")
alone = None
for form in a.formats * a.rounds:
    output = a.folder / ("turn" if form == "frames" else f"turn.{form}")
    shutil.rmtree(output, ignore_errors=True) if form == "frames" else output.unlink(missing_ok=True)
    cpu, begun = processor_s(), time.perf_counter()
    result = json.loads(run(a.packshot, "turntable", "--sample", "bearing", "--frames", a.frames, "--width", a.size, "--height", a.size, "--samples", a.samples, "--noise", 0,
                            "--denoise", "on", "--device", "cpu", "--threads", 2, "--json", "-q", "-o", f"{output}/" if form == "frames" else output))
    wall, cpu, seconds = time.perf_counter() - begun, processor_s() - cpu, result["seconds"]
    film = result.get("film")
    if film is None:
        alone, cost, encoding, size = cpu, "|", 1e3 * seconds["encode"] / a.frames, sum(path.stat().st_size for path in output.glob("frame_*"))
    else:
        cost, encoding, size = f"{cpu - alone:.1f} | {(cpu - alone) / cpu:.1%}" if alone else "|", film["encode_ms_mean"], film["bytes"]
    print(f"| {form} | {wall:.1f} | {cpu:.1f} | {seconds['render']:.1f} | {seconds['denoise']:.1f} | {cost} | {encoding:.1f} | {size / 1e6:.2f} |", flush=True)

if "mp4" in a.formats:
    movie = a.folder / "turn.mp4"
    entries = "stream=codec_name,profile,width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,r_frame_rate,nb_read_frames,duration"
    print(run("ffprobe", "-v", "error", "-count_frames", "-show_entries", entries, "-of", "default=noprint_wrappers=1", movie))
    run("ffmpeg", "-v", "error", "-y", "-i", movie, a.folder / "decoded_%04d.png")
    frames = [np.asarray(Image.open(path).convert("RGB"), np.float32) / 255 for path in sorted(a.folder.glob("decoded_*.png"))[:a.frames]]
    steps = [float(compare.flip_map(frames[k], frames[(k + 1) % len(frames)], 67.0).mean()) for k in range(len(frames))]
    print(f"{len(frames)} frames; FLIP of neighbours {min(steps[:-1]):.4f} to {max(steps[:-1]):.4f}, mean {np.mean(steps[:-1]):.4f}; from the last to the first {steps[-1]:.4f}; "
          f"the steps beside that {steps[-2]:.4f} and {steps[0]:.4f}")
    if "frames" in a.formats:
        stills = [np.asarray(Image.open(path).convert("RGBA"), np.float32) / 255 for path in sorted((a.folder / "turn").glob("frame_*.png"))]
        on_white = [still[..., :3] * still[..., 3:] + 1 - still[..., 3:] for still in stills]
        print(f"against the frames as PNGs over white: FLIP {np.mean([compare.flip_map(s, f, 67.0).mean() for s, f in zip(on_white, frames)]):.4f}")
