"""Scenes of the z-test against Mitsuba: GLBs of spheres and boxes, a map, and a shot for each. Same bytes each time."""
import json
import struct
import sys
from pathlib import Path

import numpy as np

LAMBERT = {"base_color": [0.7, 0.5, 0.3], "specular_weight": 0}
PAPER = {"base_color": [0.6, 0.6, 0.6], "specular_weight": 0}
METAL = {"base_color": [0.9, 0.6, 0.3], "base_metalness": 1, "specular_roughness": 0.3}
PLASTIC = {"base_color": [0.1, 0.3, 0.6], "specular_roughness": 0.3}
GLASS = {"transmission_weight": 1, "specular_roughness": 0, "specular_ior": 1.5}
LAMP = {"base_weight": 0, "specular_weight": 0, "emission_luminance": 6, "emission_color": [1, 0.8, 0.6]}
UNIFORM = {"kind": "uniform", "radiance": [0.5, 0.55, 0.6]}
MAP = {"kind": "latlong", "path": "sky.exr", "rotation_y_deg": 35, "strength": 0.8}
KEY = {"kind": "rect", "look_at": {"eye_m": [-1.2, 2.2, 1.5], "target_m": [0, 0.3, 0]}, "width_m": 1.2, "height_m": 0.8, "radiance": [6, 5.5, 5]}
POINT = {"kind": "point", "position_m": [1.0, 2.0, 1.2], "intensity": [5, 5, 5]}
SUN = {"kind": "directional", "direction": [0.4, -1, -0.3], "irradiance": [1, 0.9, 0.8]}

# Left, middle and right body; lights; environment; scattering events.
SCENES = {
    "diffuse": ((LAMBERT, PAPER, LAMBERT), [POINT, SUN], UNIFORM, 6),
    "conductor": ((METAL, {**METAL, "specular_roughness": 0.15}, METAL), [], MAP, 6),
    "plastic": ((PLASTIC, {**PLASTIC, "specular_roughness": 0.5}, LAMBERT), [KEY], UNIFORM, 6),
    "dielectric": ((GLASS, PAPER, GLASS), [], UNIFORM, 16),
    "rough_dielectric": ((PAPER, {**GLASS, "specular_roughness": 0.15}, LAMBERT), [], UNIFORM, 16),
    "area_light": ((LAMBERT, METAL, PAPER), [KEY], {"kind": "none"}, 6),
    "environment": ((LAMBERT, METAL, PLASTIC), [], MAP, 6),
    "emissive_mesh": ((LAMBERT, LAMP, METAL), [], {"kind": "none"}, 6),
    "emissive_and_map": ((LAMP, PLASTIC, LAMBERT), [], MAP, 6),
    "absorbing_medium": ((LAMBERT, {**GLASS, "transmission_color": [0.8, 0.4, 0.2], "transmission_depth": 0.5}, PAPER), [], UNIFORM, 16),
}


def sphere(columns=48, rows=24):
    phi = np.arange(columns) / columns * 2 * np.pi
    theta = np.arange(1, rows) / rows * np.pi
    ring = [[np.sin(t) * np.cos(p), np.cos(t), np.sin(t) * np.sin(p)] for t in theta for p in phi]
    positions = np.array([[0, 1, 0], *ring, [0, -1, 0]], "<f4")
    triangles, last = [], len(positions) - 1
    for c in range(columns):
        n = (c + 1) % columns
        triangles += [[0, 1 + n, 1 + c], [last, last - columns + c, last - columns + n]]
        for r in range(rows - 2):
            a, b = 1 + r * columns + c, 1 + r * columns + n
            triangles += [[a, b, b + columns], [a, b + columns, a + columns]]
    return positions, np.array(triangles, "<u4")


def box():
    positions = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], "<f4")
    quads = [(0, 4, 6, 2), (1, 3, 7, 5), (0, 1, 5, 4), (2, 6, 7, 3), (0, 2, 3, 1), (4, 5, 7, 6)]
    return positions, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], "<u4")


def write_glb(path, bodies):
    """Bodies: name, (positions, triangles), scale, place. Each has a mesh of its own."""
    blob, views, accessors, meshes, nodes = b"", [], [], [], []

    def accessor(array, kind, **more):
        nonlocal blob
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": array.nbytes})
        blob += array.tobytes()
        accessors.append({"bufferView": len(views) - 1, "componentType": 5126 if kind == "VEC3" else 5125, "type": kind, **more})
        return len(accessors) - 1

    for name, (positions, triangles), scale, place in bodies:
        moved = (positions * np.array(scale) + np.array(place)).astype("<f4")
        bounds = {"min": moved.min(0).tolist(), "max": moved.max(0).tolist()}
        attributes = {"POSITION": accessor(moved, "VEC3", count=len(moved), **bounds)}
        indices = accessor(triangles, "SCALAR", count=triangles.size)
        meshes.append({"primitives": [{"attributes": attributes, "indices": indices}]})
        nodes.append({"name": name, "mesh": len(meshes) - 1})
    document = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": list(range(len(nodes)))}], "nodes": nodes, "meshes": meshes,
                "accessors": accessors, "bufferViews": views, "buffers": [{"byteLength": len(blob)}]}
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + blob
    path.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)


def write_sky(path, width=256, height=128):
    """A bright patch over a gradient, without edges."""
    import OpenEXR
    phi, theta = np.meshgrid((np.arange(width) + 0.5) / width * 2 * np.pi, (np.arange(height) + 0.5) / height * np.pi)
    d = np.stack([-np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], -1)
    towards = np.array([0.5, 0.7, 0.5]) / np.sqrt(0.99)
    patch = np.exp((d @ towards - 1) / 0.02)[..., None] * [9, 8, 7]
    rgb = 0.3 + 0.25 * d[..., 1:2] * [0.8, 0.9, 1.0] + patch
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": np.ascontiguousarray(rgb, np.float32)}).write(str(path))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_sky(folder / "sky.exr")
    bodies = [("Left", sphere(), [0.4] * 3, [-0.95, 0.41, 0]), ("Middle", box(), [0.3, 0.4, 0.3], [0, 0.41, -0.2]),
              ("Right", sphere(), [0.4] * 3, [0.95, 0.41, 0.1])]
    write_glb(folder / "bodies.glb", bodies)
    for name, (materials, lights, environment, bounces) in SCENES.items():
        named = dict(zip(("left", "middle", "right"), materials))
        # With a transparent background, Mitsuba hides every light from cameras, emissive bodies too.
        shines = LAMP in materials
        shot = {
            "schema": "packshot-shot/1", "geometry": {"path": "bodies.glb"},
            "floor": {"y_m": 0, "size_m": 6, "material": "floor"},
            "camera": {"type": "perspective", "look_at": {"eye_m": [0.4, 1.6, 4.2], "target_m": [0, 0.35, 0]}, "fov_y_deg": 38},
            "film": {"width": 128, "height": 128, "samples": 1024, "max_bounces": bounces},
            "environment": environment, "lights": lights, "materials": {**named, "floor": PAPER},
            "parts": {"Left": "left", "Middle": "middle", "Right": "right"},
            "background": {"kind": "environment" if shines else "transparent"}, "view": {"transform": "standard"},
        }
        (folder / f"{name}.json").write_text(json.dumps(shot, indent=1) + "\n")


main()
