"""How noisy the coverage by partly opaque surfaces is, as sampled and denoised.

    python benches/denoise/films.py PACKSHOT FOLDER [--reference-samples 2048]

Two curved films, of opacity 0.3 and 0.55, in front of a red ball and of nothing, 256×256, seen from two sides, with 8, 16 and 64
samples. Prints, in codes of 255, the root mean square of the difference from a picture of many samples that is not denoised: of alpha
within the films and at edges, and of colours of the opaque ball, nine tenths of which or more are behind them. Needs pillow and numpy.
"""

import argparse
import json
import pathlib
import struct
import subprocess

import numpy as np
from PIL import Image


def sphere(radius_m, n=64):
    """Positions, normals and triangles of a ball around the origin."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, n // 2 + 1), np.linspace(0, 2 * np.pi, n + 1), indexing="ij")
    normals = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)], -1).reshape(-1, 3)
    return radius_m * normals, normals, grid(n // 2, n)


def sheet(width_m, height_m, z_m, bend_m=0.02, n=32):
    """Positions, normals and triangles of a sheet that bulges towards +Z."""
    x, y = np.meshgrid(np.linspace(-width_m / 2, width_m / 2, n), np.linspace(-height_m / 2, height_m / 2, n))
    z = z_m + bend_m * np.cos(np.pi * x / width_m)
    slope = -bend_m * np.pi / width_m * np.sin(np.pi * x / width_m)
    normals = np.stack([-slope, 0 * x, 1 + 0 * x], -1).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return np.stack([x, y, z], -1).reshape(-1, 3), normals, grid(n - 1, n - 1)


def grid(rows, columns):
    """Two triangles for each cell of a grid of points."""
    first = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    below = first + columns + 1
    return np.stack([first, first + 1, below, first + 1, below + 1, below], -1).reshape(-1, 3)


def glb(parts, materials):
    """A GLB of parts (name, (positions, normals, triangles)), each with the material of its number."""
    data, views, accessors, meshes = b"", [], [], []

    def accessor(values, kind, component):
        nonlocal data
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": values.nbytes})
        data += values.tobytes()
        found = {"bufferView": len(views) - 1, "componentType": component, "count": len(values), "type": kind}
        accessors.append(found | {"min": values.min(0).tolist(), "max": values.max(0).tolist()} if kind == "VEC3" else found)
        return len(accessors) - 1

    for i, (name, (positions, normals, triangles)) in enumerate(parts):
        attributes = {"POSITION": accessor(positions.astype("f4"), "VEC3", 5126), "NORMAL": accessor(normals.astype("f4"), "VEC3", 5126)}
        indices = accessor(triangles.astype("u4").ravel(), "SCALAR", 5125)
        meshes.append({"name": name, "primitives": [{"attributes": attributes, "indices": indices, "material": i}]})
    document = json.dumps({
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": list(range(len(parts)))}],
        "nodes": [{"name": name, "mesh": i} for i, (name, _) in enumerate(parts)],
        "meshes": meshes, "materials": materials, "accessors": accessors, "bufferViews": views,
        "buffers": [{"byteLength": len(data)}],
    }).encode()
    document += b" " * (-len(document) % 4)
    head = struct.pack("<4sIIII", b"glTF", 2, 28 + len(document) + len(data), len(document), 0x4E4F534A)
    return head + document + struct.pack("<II", len(data), 0x4E4942) + data


def material(name, color, roughness):
    """A glTF material that is blended if its colour is not opaque."""
    blended = {"alphaMode": "BLEND", "doubleSided": True} if color[3] < 1 else {}
    return blended | {"name": name, "pbrMetallicRoughness": {"baseColorFactor": color, "metallicFactor": 0, "roughnessFactor": roughness}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packshot")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--reference-samples", type=int, default=2048)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    product = args.folder / "films.glb"
    parts = [("Ball", sphere(0.03)), ("Film", sheet(0.12, 0.1, 0.05)), ("Strip", sheet(0.05, 0.16, 0.08))]
    materials = [material("Red", [0.6, 0.05, 0.04, 1], 0.4), material("Film", [0.2, 0.5, 0.8, 0.3], 0.3), material("Veil", [0.8, 0.7, 0.3, 0.55], 0.5)]
    product.write_bytes(glb(parts, materials))

    def picture(view, samples, denoise):
        file = args.folder / f"{view}_{samples}_{denoise}.png"
        size = ["--width", "256", "--height", "256", "--view", view, "--noise", "0"]
        subprocess.run([args.packshot, "render", product, "-q", "-o", file, *size, "--samples", str(samples), "--denoise", denoise], check=True)
        return np.asarray(Image.open(file).convert("RGBA")).astype(float)

    def rms(values):
        return float(np.sqrt((values**2).mean()))

    print("| view | samples | denoised | alpha within films | alpha at edges | ball |")
    print("|---|---|---|---|---|---|")
    for view in ("three_quarter", "front"):
        truth = picture(view, args.reference_samples, "off")
        alpha = truth[..., 3]
        partly = (alpha > 4) & (alpha < 251)
        within = partly.copy()
        for rows in (-1, 0, 1):
            for columns in (-1, 0, 1):
                within &= np.roll(partly, (rows, columns), (0, 1))
        for samples in (8, 16, 64):
            for denoise in ("off", "on"):
                off = picture(view, samples, denoise) - truth
                figures = [rms(off[within][:, 3]), rms(off[partly & ~within][:, 3]), rms(off[alpha >= 254][:, :3])]
                print(f"| {view} | {samples} | {denoise} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
