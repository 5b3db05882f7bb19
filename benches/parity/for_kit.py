"""Writes the scenes of the parity test into a GPU kit: for_kit.py KIT

KIT/scenes gets a GLB and a shot for each feature of glTF, and for each asset in KIT/assets; KIT/scenes.json lists them as options of `packshot render`,
with {kit} for the folder. Run by a Python with numpy, OpenEXR and Pillow.
"""
import json
import os
import sys
from pathlib import Path

import numpy as np

import scenes

kit = Path(sys.argv[1])
folder = kit / "scenes"
assets = kit / "assets"
listed = []
for scene in scenes.make(folder, assets if assets.exists() else None):
    if scene.light == scenes.LIGHTS:
        # The Blender look reads candela as watts; read as candela, the lights would be hundreds of times as bright.
        glb = "{kit}/" + os.path.relpath(scene.glb, kit)
        args = [glb, "--camera", "Camera", "--light", "glb", "--on-unmapped", "keep", "--look", "blender-5.0"]
    else:
        camera = {"type": "perspective", "world_from_camera": scene.world_from_camera.T.reshape(-1).tolist(), "fov_y_deg": float(np.degrees(scene.fov_y_rad))}
        shot = {"schema": "packshot-shot/1", "geometry": {"path": os.path.relpath(scene.glb, folder)}, "camera": camera,
                "film": {"width": 240, "height": 180, "samples": 32, "max_bounces": 12}, "environment": {"kind": "latlong", "path": "sky.exr"}}
        (folder / f"{scene.name}.json").write_text(json.dumps(shot))
        args = ["--shot", "{kit}/scenes/" + f"{scene.name}.json"]
    listed.append({"name": f"gltf_{scene.name}", "args": args})
(kit / "scenes.json").write_text(json.dumps(listed, indent=1))
print(f"{len(listed)} scenes", file=sys.stderr)
