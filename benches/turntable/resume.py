#!/usr/bin/env python3
"""Turntables that were killed resume to the same bytes: resume.py PACKSHOT FOLDER [--kill-at FRAME …] [--formats frames mp4 …]

For a folder of frames and for each movie: 72 frames are rendered without a stop; again, with SIGKILL as soon as the file of frame 40 is in its place; and the same command once more.
Every file must have the bytes of the first run, and nothing else may be left. Exit code 1 otherwise. Needs no other software; PACKSHOT needs the feature `h264` for MP4.
"""
import argparse
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--kill-at", type=int, nargs="*", default=[40])
p.add_argument("--formats", nargs="*", default=["frames", "mp4", "webp", "apng"])
p.add_argument("--frames", type=int, default=72)
p.add_argument("--size", type=int, default=256)
p.add_argument("--samples", type=int, default=16)
a = p.parse_args()


def command(output):
    return [str(word) for word in (a.packshot, "turntable", "--sample", "bearing", "--frames", a.frames, "--width", a.size, "--height", a.size, "--samples", a.samples,
                                   "--noise", 0, "--denoise", "on", "--device", "cpu", "--json", "-q", "-o", output)]


def finished(output):
    done = subprocess.run(command(output), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command(output)}\n{done.stderr}")
    return json.loads(done.stdout)


def killed(output, frame):
    """Starts the command, and kills it when the file of this frame exists; returns the number of frames by then."""
    process = subprocess.Popen(command(output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not frame.exists():
        if process.poll() is not None:
            raise SystemExit(f"it ended with {process.returncode} before {frame.name} was there")
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return len(list(frame.parent.glob("frame_*.png")))


def contents(place):
    """Every file below the place, with its bytes."""
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


failed = False
print("| Output | killed at | frames there | kept | rendered again | files | bytes | equal |\n|---|---|---|---|---|---|---|---|")
for form in a.formats:
    name = "turn/" if form == "frames" else f"turn.{form}"
    for at in a.kill_at:
        places = [a.folder / f"{form}_{at}" / side for side in ("whole", "killed")]
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
        finished(f"{places[0]}/{name}")
        frames = places[1] / ("turn" if form == "frames" else f"turn.{form}.frames")
        there = killed(f"{places[1]}/{name}", frames / f"frame_{at:04}.png")
        result = finished(f"{places[1]}/{name}")
        whole, resumed = map(contents, places)
        equal = whole == resumed
        failed |= not equal or result["kept"] + result["rendered"] != a.frames
        print(f"| {form} | {at} | {there} | {result['kept']} | {result['rendered']} | {len(resumed)} | {sum(map(len, resumed.values()))} | {'yes' if equal else 'NO'} |", flush=True)
        if not equal:
            print("different:", *sorted(set(whole) ^ set(resumed) | {key for key in whole if resumed.get(key) != whole[key]}))
raise SystemExit(failed)
