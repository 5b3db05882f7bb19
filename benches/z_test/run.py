"""The z-test against Mitsuba on generated scenes: run.py PACKSHOT PEERS FOLDER [--samples N] [--only NAME …]

PEERS is the folder with render_mitsuba.py and compare.py. Prints a table; exit code 1 when a scene fails.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenEXR

HERE = Path(__file__).parent
p = argparse.ArgumentParser()
p.add_argument("packshot")
p.add_argument("peers", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--samples", type=int, default=1024)
p.add_argument("--reference-samples", type=int, default=1024)
p.add_argument("--only", nargs="*")
a = p.parse_args()


def run(*command, codes=(0,)):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode not in codes:
        raise SystemExit(f"{command}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def split_variance(path):
    """Writes the layer `variance` to a separate file, which compare.py reads."""
    with OpenEXR.File(str(path), separate_channels=True) as f:
        variance = np.array(f.parts[0].channels["variance.Y"].pixels, np.float32)
    out = path.with_suffix(".variance.exr")
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"Y": variance}).write(str(out))
    return out


run(sys.executable, HERE / "scenes.py", a.folder)
print("| Scene | pixels that pass | z mean | z std | beyond 3 | luminance bias |\n|---|---|---|---|---|---|")
failed = False
for shot in sorted(a.folder.glob("*.json")):
    if a.only and shot.stem not in a.only:
        continue
    test, reference = shot.with_suffix(".packshot.exr"), shot.with_suffix(".mitsuba.exr")
    variance = shot.with_suffix(".mitsuba.variance.exr")
    run(a.packshot, "render", "--shot", shot, "--samples", a.samples, "--noise", 0, "--denoise", "off", "--exr", "float",
        "--aov", "samples,variance", "-o", test)
    if not variance.exists():
        run(sys.executable, HERE / "reference.py", a.peers, shot, "--exr", reference, "--variance", variance,
            "--samples", a.reference_samples, "--seed", 1)
    numbers = json.loads(run(sys.executable, a.peers / "compare.py", reference, test, "--reference-variance", variance,
                             "--test-variance", split_variance(test), "--min-z-pass-share", 0.9975,
                             "--side-by-side", shot.with_suffix(".png"), codes=(0, 1)))
    failed |= bool(numbers["failed_gates"])
    print(f"| {shot.stem} | {100 * numbers['z_pass_share']:.3f} % | {numbers['z_mean']:+.3f} | {numbers['z_std']:.3f} | "
          f"{100 * numbers['z_beyond_3']:.3f} % | {100 * numbers['luminance_bias']:+.3f} % |", flush=True)
raise SystemExit(int(failed))
