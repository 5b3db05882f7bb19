"""Composites a product over pictures of its floor by its catcher, and compares with a render of both.

    python benches/catcher/run.py PACKSHOT FOLDER [--samples 2048] [--size 256]

For three floors (white and red paper, a dark polished plate) it renders, each with other random numbers: the product on a catcher, the
floor alone, and both. The floor alone is a shot file whose product is one triangle far below it. Writes a JSON line for each floor: mean relative
error of the composite, and of a second render of both, which is noise alone; and how much the sum of all values is off (bias). Needs OpenEXR and numpy.
"""

import argparse
import json
import pathlib
import struct
import subprocess

import numpy as np
import OpenEXR

FLOORS = {
    "white paper": ["--ground-color", "#E7E7E7"],
    "red paper": ["--ground-color", "#D05040"],
    "dark polished plate": ["--ground-color", "#303438", "--ground-roughness", "0.08"],
}


def triangle_glb(path, center, size):
    """One triangle around a point, as a GLB."""
    x, y, z = center
    positions = struct.pack("<9f", x, y, z, x + size, y, z, x, y, z + size)
    document = json.dumps({
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(positions)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(positions)}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3",
                       "min": [x, y, z], "max": [x + size, y, z + size]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0, "name": "Below"}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }).encode()
    document += b" " * (-len(document) % 4)
    chunks = struct.pack("<I4s", len(document), b"JSON") + document
    chunks += struct.pack("<I4s", len(positions), b"BIN\0") + positions
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def channels(path):
    with OpenEXR.File(str(path)) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}


def rgb(found, prefix=""):
    """The colours of a layer, whether the EXR reader groups them or not."""
    for name in (prefix + "RGB", prefix + "RGBA", prefix.rstrip(".")):
        if name in found:
            return np.asarray(found[name], np.float64)[..., :3]
    return np.stack([np.asarray(found[prefix + channel], np.float64) for channel in "RGB"], -1)


def relative_error(image, reference):
    return float(np.abs(image - reference).sum() / reference.sum())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("packshot")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--samples", default="2048")
    parser.add_argument("--size", default="256")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    common = ["--samples", arguments.samples, "--noise", "0", "--denoise", "off", "--exr", "float", "-q"]

    def render(name, *options):
        path = arguments.folder / f"{name}.exr"
        subprocess.run([arguments.packshot, "render", *options, *common, "-o", str(path)], check=True)
        return channels(path)

    for i, (floor, ground) in enumerate(FLOORS.items()):
        size = ["--width", arguments.size, "--height", arguments.size]
        product = ["--sample", "bearing", *size]
        catcher = "reflection" if "--ground-roughness" in ground else "shadow"
        caught = render(f"{i}-caught", *product, "--ground", catcher, *ground, "--seed", "1")
        shot_path = arguments.folder / f"{i}.json"
        direct = render(f"{i}-direct", *product, "--ground", "floor", *ground, "--seed", "2",
                        "--dump-shot", str(shot_path))
        again = render(f"{i}-again", *product, "--ground", "floor", *ground, "--seed", "3")
        shot = json.loads(shot_path.read_text())
        depth = 10.0 * shot["camera"]["clip_near_m"] + 1.0
        below = arguments.folder / "below.glb"
        triangle_glb(below, (0.0, shot["floor"]["y_m"] - depth, 0.0), 0.01)
        shot["geometry"] = {"path": below.name}
        shot["parts"] = type(shot["parts"])()
        shot["film"]["seed"] = 4
        shot_path.write_text(json.dumps(shot))
        alone = render(f"{i}-alone", "--shot", str(shot_path))
        composite = rgb(caught) + rgb(caught, "catcher_transmittance.") * rgb(alone)
        print(json.dumps({
            "floor": floor,
            "composite": relative_error(composite, rgb(direct)),
            "noise": relative_error(rgb(again), rgb(direct)),
            "bias": float(composite.sum() / rgb(direct).sum() - 1.0),
        }))


if __name__ == "__main__":
    main()
