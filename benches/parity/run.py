"""Packshot with `--look blender-5.0` compared with Cycles: run.py PACKSHOT FOLDER [--models FOLDER] [--only NAME …] [--samples N] [--sheet PNG] [--look NAME]

Run by a Python with bpy, numpy, OpenEXR, Pillow and flip_evaluator. PACKSHOT_SHARED names the folder with `peers/compare.py` and `assets/`. FOLDER
keeps the scenes and Cycles' pictures, which are rendered once. Prints a table; exit code 1 when a scene fails its gates:

- `luminance_bias`, the mean of Packshot over the mean of Cycles less 1, within 0.5 %;
- `luminance_error_8px` at most 1 %, or 1.5 times that of Cycles against itself with another seed.

With `--models`, the models of the folder's `models.json` (name, repository, commit, path, bytes, blake3; each as NAME.glb) take the place of the scenes: seen as
Packshot frames them, square, under the same map. What Cycles differs from itself by counts for all gates: bias within 0.5 % or twice that, 8 px error as above,
mean FLIP at most 0.03 or 1.2 times, 1 − alpha IoU at most 0.001 or 1.5 times. A model that Blender's importer refuses does not count. One that fails is judged
again without its normals, because Cycles loses light at them.
"""
import argparse
import dataclasses
import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import scenes
import split

HERE = Path(__file__).parent
SHARED = Path(os.environ["PACKSHOT_SHARED"])
sys.path.insert(0, str(SHARED / "peers"))
import compare  # noqa: E402
import images  # noqa: E402

BOUNCES = 12
p = argparse.ArgumentParser()
p.add_argument("packshot", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--models", type=Path)
p.add_argument("--only", nargs="*")
p.add_argument("--width", type=int, default=240)
p.add_argument("--height", type=int, default=160)
p.add_argument("--samples", type=int, default=512)
p.add_argument("--threads", type=int, default=0)
p.add_argument("--filter-glossy", type=float, default=0.0, help="Filter Glossy of Cycles; its default is 1")
p.add_argument("--look", default="blender-5.0")
p.add_argument("--references", action="store_true", help="only render the missing pictures of Cycles")
p.add_argument("--sheet", type=Path, help="a picture of all scenes: Packshot | Cycles | FLIP")
a = p.parse_args()


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def job(scene, seed):
    """The job for Cycles. The name of its picture depends on everything that the picture depends on."""
    members = {"glb": str(scene.glb), "world_from_camera": scene.world_from_camera.tolist(), "fov_y_rad": scene.fov_y_rad, "clip_m": scene.clip_m,
               "sky": str(a.folder / "sky.exr") if scene.light == scenes.SKY else None, "width": a.width, "height": a.height,
               "samples": a.samples, "seed": seed, "bounces": BOUNCES, "filter_glossy": a.filter_glossy}
    key = hashlib.blake2b(scene.glb.read_bytes() + (a.folder / "sky.exr").read_bytes() + json.dumps(members).encode(), digest_size=6).hexdigest()
    return {**members, "threads": a.threads, "out": str(a.folder / f"{scene.name}.{key}.cycles.exr")}


def cycles_pictures(chosen):
    """Renders two references of each scene, with different seeds, unless they exist or Blender cannot import it."""
    jobs = [job(scene, seed) for scene in chosen for seed in (1, 2)]
    jobs = [job for job in jobs if not Path(job["out"]).exists()]
    if jobs:
        path = a.folder / f"jobs.{os.getpid()}.json"
        path.write_text(json.dumps(jobs))
        subprocess.run([sys.executable, HERE / "blender.py", path], check=True, stdout=subprocess.DEVNULL)
        path.unlink()


def models():
    """The models of the folder, seen as Packshot frames them."""
    scenes.write_sky(a.folder / "sky.exr")
    for model in json.loads((a.models / "models.json").read_text()):
        glb, shot = a.models / f"{model['name']}.glb", a.folder / f"{model['name']}.framed.json"
        if not shot.exists():
            run(a.packshot, "render", glb, "--look", a.look, "--on-unmapped", "keep", "--width", 8, "--height", 8, "--samples", 1, "--noise", 0,
                "--denoise", "off", "--quiet", "-o", shot.with_suffix(".png"), "--dump-shot", shot)
        camera = json.loads(shot.read_text())["camera"]
        world_from_camera = np.array(camera["world_from_camera"]).reshape(4, 4).T
        clip_m = (0.01 * camera["clip_near_m"], 100 * camera["clip_far_m"])
        yield scenes.Scene(model["name"], glb, world_from_camera, math.radians(camera["fov_y_deg"]), clip_m=clip_m)


def passes(numbers, floor):
    bias, error = abs(numbers["luminance_bias"]), numbers["luminance_error_8px"]
    if not a.models:
        return bias <= 0.005 and error <= max(0.01, 1.5 * floor["luminance_error_8px"])
    return (bias <= max(0.005, 2 * abs(floor["luminance_bias"])) and error <= max(0.01, 1.5 * floor["luminance_error_8px"])
            and numbers["flip_mean"] <= max(0.03, 1.2 * floor["flip_mean"]) and 1 - numbers["alpha_iou"] <= max(0.001, 1.5 * (1 - floor["alpha_iou"])))


def packshot_picture(scene):
    out = a.folder / f"{scene.name}.packshot.exr"
    film = ["--samples", a.samples, "--noise", 0, "--seed", 0, "--denoise", "off", "--exr", "float", "--look", a.look, "-o", out, "--quiet"]
    film += ["--threads", a.threads] if a.threads else []
    if scene.light == scenes.LIGHTS:
        run(a.packshot, "render", scene.glb, "--camera", "Camera", "--light", "glb", "--on-unmapped", "keep", "--width", a.width, "--height", a.height,
            "--filter", "box", "--max-bounces", BOUNCES, "--clamp-indirect", 0, *film)
        return out
    shot = {"schema": "packshot-shot/1", "geometry": {"path": os.path.relpath(scene.glb, a.folder)},
            "camera": {"type": "perspective", "world_from_camera": scene.world_from_camera.T.reshape(-1).tolist(), "fov_y_deg": float(np.degrees(scene.fov_y_rad))},
            "film": {"width": a.width, "height": a.height, "samples": a.samples, "filter": "box", "max_bounces": BOUNCES},
            "environment": {"kind": "latlong", "path": "sky.exr"}}
    path = a.folder / f"{scene.name}.shot.json"
    path.write_text(json.dumps(shot))
    run(a.packshot, "render", "--shot", path, *film)
    return out


def sheet(rows, path):
    from PIL import Image, ImageDraw
    stops = np.array([[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]], np.float32) / 255

    def heat(flip):
        x = np.clip(flip * 5, 0, 1)[..., None] * 4  # 0.2 is white, so that small differences are visible
        i = np.minimum(x.astype(int), 3)[..., 0]
        return stops[i] + (stops[i + 1] - stops[i]) * (x - i[..., None])

    tiles = []
    for name, shown, flip in rows:
        tile = Image.fromarray((np.hstack([shown[1], shown[0], heat(flip)]) * 255 + 0.5).astype(np.uint8))
        ImageDraw.Draw(tile).text((4, 4), name, fill=(255, 255, 255), stroke_width=2, stroke_fill=(0, 0, 0))
        tiles.append(tile)
    columns = 2
    width, height = tiles[0].size
    whole = Image.new("RGB", (columns * width, -(-len(tiles) // columns) * height))
    for k, tile in enumerate(tiles):
        whole.paste(tile, (k % columns * width, k // columns * height))
    whole.save(path, quality=82)


a.folder.mkdir(parents=True, exist_ok=True)
chosen = [scene for scene in (models() if a.models else scenes.make(a.folder, SHARED / "assets")) if not a.only or scene.name in a.only]
cycles_pictures(chosen)
if a.references:
    raise SystemExit
rows = []
print("| Scene | bias % | error 8 px % | floor 8 px % | FLIP mean | alpha IoU | |\n|---|---|---|---|---|---|---|")


def judge(scene):
    """Compares a scene and prints its row. Whether it passes; None where Blender cannot import it."""
    if not all(Path(job(scene, seed)["out"]).exists() for seed in (1, 2)):
        print(f"| {scene.name} | Blender cannot import it |", flush=True)
        return None
    first, second = (images.read_image(job(scene, seed)["out"]) for seed in (1, 2))
    test = images.read_image(packshot_picture(scene))
    floor, _, _ = compare.compare(first, second)
    # The mean of both is the better reference.
    numbers, shown, flip = compare.compare((first + second) / 2, test)
    bias, error, is_right = 100 * numbers["luminance_bias"], 100 * numbers["luminance_error_8px"], passes(numbers, floor)
    rows.append((scene.name, shown, flip))
    print(f"| {scene.name} | {bias:+.2f} | {error:.2f} | {100 * floor['luminance_error_8px']:.2f} | {numbers['flip_mean']:.4f} | {numbers['alpha_iou']:.5f} | "
          f"{'' if is_right else 'fails'} |", flush=True)
    return is_right


def without_normals(scene):
    glb = a.folder / f"{scene.name}-without-normals.glb"
    split.without_normals(scene.glb, glb)
    return dataclasses.replace(scene, name=f"{scene.name}-without-normals", glb=glb)


judged = {scene.name: judge(scene) for scene in chosen}
counted, failed = [name for name, is_right in judged.items() if is_right is not None], [name for name, is_right in judged.items() if is_right is False]
if a.models and failed:
    again = [without_normals(scene) for scene in chosen if scene.name in failed]
    cycles_pictures(again)
    failed = [scene.name for scene in again if not judge(scene)]
if a.sheet:
    sheet(rows, a.sheet)
print(f"{len(counted) - len(failed)} of {len(counted)} pass" + (f"; not {'; '.join(failed)}" if failed else ""))
raise SystemExit(bool(failed))
