"""The peers' four shots against Mitsuba and Cycles, and three with exact answers: peers.py PACKSHOT PEERS FOLDER [--samples N] [--size N]

PEERS is the folder with `compare.py`, `check_physics.py` and `shots/`; FOLDER gets the pictures, and for each pair one of both and their FLIP. Run by a Python
with bpy, mitsuba, OpenEXR, Pillow and flip_evaluator. Prints a table; exit code 1 when a picture fails a gate.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

SHOTS = ["bearing_metal", "bearing_mixed", "studio_softboxes", "screw_sun"]
EXACT = ["physics_furnace", "physics_diffuse_sphere", "physics_point_plane"]
PEERS = ["mitsuba", "cycles"]
BIAS_MAX, ERROR_8PX_MAX, FLIP_MAX, ALPHA_IOU_MIN = 0.003, 0.01, 0.025, 0.999

p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("peers", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--samples", type=int, default=512)
p.add_argument("--size", type=int, default=512)
a = p.parse_args()
sys.path.insert(0, str(a.peers))
import compare  # noqa: E402
import images  # noqa: E402


def run(*command, codes=(0,)):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode not in codes:
        raise SystemExit(f"{command}\n{done.stdout}\n{done.stderr}")
    return done


def shot(name):
    return a.peers / "shots" / f"{name}.json"


def packshot(name, *film):
    out = a.folder / f"{name}.packshot.exr"
    run(a.packshot, "render", "--shot", shot(name), "--noise", 0, "--denoise", "off", "--exr", "float", "--device", "cpu", "-q", "-o", out, *film)
    return out


def peer(which, name, *film):
    out = a.folder / f"{name}.{which}.exr"
    run(sys.executable, a.peers / f"render_{which}.py", shot(name), "--exr", out, *film)
    return out


failed = []
a.folder.mkdir(parents=True, exist_ok=True)
print(f"{a.size}×{a.size}, {a.samples} samples of each. Gates: bias ±{100 * BIAS_MAX:.1f} %, error over 8 px {100 * ERROR_8PX_MAX:.0f} %, FLIP {FLIP_MAX}, alpha {ALPHA_IOU_MIN}.\n")
print("| Shot | against | luminance bias | error 8 px | FLIP mean | alpha IoU | |\n|---|---|---|---|---|---|---|")
for name in SHOTS:
    film = ["--width", a.size, "--height", a.size, "--samples", a.samples]
    test = images.read_image(packshot(name, *film))
    for which in PEERS:
        reference = images.read_image(peer(which, name, *film))
        numbers, shown, flip = compare.compare(reference, test)
        compare.side_by_side(a.folder / f"{name}.{which}.png", shown, flip, [which, "packshot", "FLIP"])
        bias, error = numbers["luminance_bias"], numbers["luminance_error_8px"]
        passes = abs(bias) <= BIAS_MAX and error <= ERROR_8PX_MAX and numbers["flip_mean"] <= FLIP_MAX and numbers["alpha_iou"] >= ALPHA_IOU_MIN
        passes = passes and not numbers["non_finite_test"]
        failed += [] if passes else [f"{name} against {which}"]
        print(f"| {name} | {which} | {100 * bias:+.3f} % | {100 * error:.2f} % | {numbers['flip_mean']:.4f} | {numbers['alpha_iou']:.5f} | {'' if passes else 'fails'} |", flush=True)
print("\n| Shot with an exact answer | mean over the answer | |\n|---|---|---|")
for name in EXACT:
    done = run(sys.executable, a.peers / "check_physics.py", shot(name), packshot(name), codes=(0, 1))
    numbers = json.loads(done.stdout)
    means = ", ".join(f"{part} {found['mean']:.4f}" for part, found in numbers.items() if isinstance(found, dict))
    failed += [name] if done.returncode else []
    print(f"| {name} | {means} | {'fails' if done.returncode else ''} |", flush=True)
print(f"\n{'All pass' if not failed else 'Fails: ' + ', '.join(failed)}.")
raise SystemExit(bool(failed))
