#!/usr/bin/env python3
"""Inputs for compare.py: a noisy picture of Packshot with guides of the same shot from Mitsuba.

    packshot render --sample bearing --width 1920 --height 1080 --samples 16 --noise 0 --exr float -o noisy.exr --dump-shot shot.json
    python3 benches/denoise/guides.py PEERS noisy.exr shot.json FOLDER

PEERS is the folder of `render_mitsuba.py`, whose scene is taken as it is. Needs mitsuba, numpy and OpenEXR. Mitsuba gives the albedo of what a camera ray
meets first, so behind glass and in mirrors these guides show the glass and the mirror; both denoisers are given the same.
"""

import pathlib
import sys

import numpy as np
import OpenEXR

peers, noisy, shot_path, folder = sys.argv[1:5]
folder = pathlib.Path(folder)
folder.mkdir(parents=True, exist_ok=True)
channels = OpenEXR.File(noisy).parts[0].channels
pixels = channels["RGBA"].pixels if "RGBA" in channels else np.stack([channels[c].pixels for c in "RGBA"], -1)
np.save(folder / "color.npy", np.ascontiguousarray(pixels, np.float32))

source = (pathlib.Path(peers) / "render_mitsuba.py").read_text().rsplit("\ntry:\n    main()", 1)[0]
sys.argv = ["render_mitsuba.py", shot_path, "--exr", str(folder / "unused.exr")]
scope = {"__name__": "guides", "__file__": str(pathlib.Path(peers) / "render_mitsuba.py")}
exec(compile(source, scope["__file__"], "exec"), scope)
scope["integrator"] = "path"
scope["shotlib"].in_units(scope["shot"], scope["UNITS_PER_M"])
scope["geometry"] = scope["gltf"].load_glb(scope["shot"].glb, scope["shot"].world_from_file)
scene = scope["build_scene"]()
scene["integrator"] = {"type": "aov", "aovs": "albedo:albedo,normal:sh_normal"}
scene["sensor"] = scope["sensor"]()
mi = scope["mi"]
guides = np.array(mi.render(mi.load_dict(scene), spp=64), np.float32)
guides = guides.reshape(*pixels.shape[:2], -1)[..., -6:]
np.save(folder / "albedo.npy", np.ascontiguousarray(guides[..., :3]))
np.save(folder / "normal.npy", np.ascontiguousarray(guides[..., 3:]))
print(f"{folder}: {pixels.shape[1]}×{pixels.shape[0]}, mean albedo {guides[..., :3].mean():.3f}")
