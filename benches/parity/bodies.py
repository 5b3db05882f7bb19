"""Small bodies and a GLB writer for the scenes of the parity test. Metres, Y up, counter-clockwise fronts."""
import io
import json
import struct

import numpy as np
from PIL import Image

COMPONENTS = {"uint8": 5121, "uint32": 5125, "float32": 5126}
KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


def sphere(radius=0.5, columns=96, rows=48):
    """Positions, normals, texture coordinates, triangles; the seam is at -X."""
    u, v = np.meshgrid(np.arange(columns + 1) / columns, np.arange(rows + 1) / rows)
    phi, theta = (u * 2 - 1) * np.pi, v * np.pi
    n = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], -1).reshape(-1, 3)
    triangles = []
    for r in range(rows):
        for c in range(columns):
            a = r * (columns + 1) + c
            b = a + columns + 1
            triangles += [[a, b, a + 1]] if r > 0 else []
            triangles += [[a + 1, b, b + 1]] if r < rows - 1 else []
    return radius * n, n, np.stack([u, v], -1).reshape(-1, 2), np.array(triangles)


def box(x, y, z):
    """A box of these sizes around the origin; the whole texture on each face."""
    p, n, uv, triangles = [], [], [], []
    for axis in range(3):
        for sign in (1, -1):
            normal = np.zeros(3)
            normal[axis] = sign
            right = np.roll(normal, 1) * sign if axis != 0 else np.array([0, 0, -sign])
            up = np.cross(normal, right)
            base = len(p)
            for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                p.append((normal + s * right + t * up) * (x / 2, y / 2, z / 2))
                n.append(normal)
                uv.append(((s + 1) / 2, (1 - t) / 2))
            triangles += [[base, base + 1, base + 2], [base, base + 2, base + 3]]
    return np.array(p), np.array(n), np.array(uv), np.array(triangles)


def plane(size, repeat=1.0):
    """A horizontal square that faces up."""
    h = size / 2
    p = np.array([[-h, 0, h], [h, 0, h], [h, 0, -h], [-h, 0, -h]])
    uv = np.array([[0, repeat], [repeat, repeat], [repeat, 0], [0, 0]])
    return p, np.tile([0.0, 1.0, 0.0], (4, 1)), uv, np.array([[0, 1, 2], [0, 2, 3]])


class Glb:
    """A file under construction."""

    def __init__(self):
        self.blob = b""
        self.doc = {"asset": {"version": "2.0", "generator": "packshot parity"}, "scene": 0, "scenes": [{"nodes": []}],
                    "nodes": [], "meshes": [], "accessors": [], "bufferViews": [], "materials": []}

    def _view(self, data):
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.doc["bufferViews"].append({"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)})
        self.blob += data
        return len(self.doc["bufferViews"]) - 1

    def _accessor(self, values, dtype, **more):
        values = np.ascontiguousarray(values, dtype)
        width = 1 if values.ndim == 1 else values.shape[1]
        entry = {"bufferView": self._view(values.tobytes()), "componentType": COMPONENTS[dtype], "count": len(values), "type": KINDS[width], **more}
        self.doc["accessors"].append(entry)
        return len(self.doc["accessors"]) - 1

    def texture(self, rgba, **sampler):
        """Adds an array of bytes, height x width x 3 or 4, as a PNG. Returns the texture reference for a material."""
        stream = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(rgba, np.uint8)).save(stream, "PNG")
        for name in ("images", "textures", "samplers"):
            self.doc.setdefault(name, [])
        self.doc["images"].append({"mimeType": "image/png", "bufferView": self._view(stream.getvalue())})
        self.doc["samplers"].append({"magFilter": 9729, "minFilter": 9729, **sampler})
        self.doc["textures"].append({"source": len(self.doc["images"]) - 1, "sampler": len(self.doc["samplers"]) - 1})
        return {"index": len(self.doc["textures"]) - 1}

    def material(self, rgb=(0.8, 0.8, 0.8), metallic=0.0, roughness=0.4, alpha=1.0, extensions=None, pbr=None, **more):
        """Adds a material; extensions are named without KHR_materials_."""
        entry = {"pbrMetallicRoughness": {"baseColorFactor": [*rgb, alpha], "metallicFactor": metallic, "roughnessFactor": roughness, **(pbr or {})}, **more}
        if extensions:
            entry["extensions"] = {f"KHR_materials_{name}": value for name, value in extensions.items()}
            self.doc["extensionsUsed"] = sorted({*self.doc.get("extensionsUsed", []), *entry["extensions"]})
        self.doc["materials"].append(entry)
        return len(self.doc["materials"]) - 1

    def body(self, shape, material=None, at=(0, 0, 0), normals=True, colors=None, **node):
        """Adds a node with a mesh of its own."""
        p, n, uv, triangles = shape
        p = np.asarray(p, np.float32)
        attributes = {"POSITION": self._accessor(p, "float32", min=p.min(0).tolist(), max=p.max(0).tolist())}
        if normals:
            attributes["NORMAL"] = self._accessor(n, "float32")
        attributes["TEXCOORD_0"] = self._accessor(uv, "float32")
        if colors is not None:
            attributes["COLOR_0"] = self._accessor(colors, "float32")
        primitive = {"attributes": attributes, "indices": self._accessor(np.asarray(triangles).reshape(-1), "uint32")}
        if material is not None:
            primitive["material"] = material
        self.doc["meshes"].append({"primitives": [primitive]})
        self.node(mesh=len(self.doc["meshes"]) - 1, translation=list(at), name=f"Body_{len(self.doc['nodes'])}", **node)

    def node(self, **members):
        self.doc["nodes"].append(members)
        self.doc["scenes"][0]["nodes"].append(len(self.doc["nodes"]) - 1)

    def light(self, matrix, **members):
        """Adds a punctual light that points along -Z of a 4x4 matrix."""
        lights = self.doc.setdefault("extensions", {}).setdefault("KHR_lights_punctual", {"lights": []})["lights"]
        lights.append(members)
        self.doc["extensionsUsed"] = sorted({*self.doc.get("extensionsUsed", []), "KHR_lights_punctual"})
        self.node(matrix=np.asarray(matrix).T.reshape(-1).tolist(), extensions={"KHR_lights_punctual": {"light": len(lights) - 1}})

    def camera(self, matrix, fov_y_rad):
        self.doc["cameras"] = [{"type": "perspective", "perspective": {"yfov": fov_y_rad, "znear": 0.01}}]
        self.node(matrix=np.asarray(matrix).T.reshape(-1).tolist(), camera=0, name="Camera")

    def write(self, path):
        doc = {**self.doc, "buffers": [{"byteLength": len(self.blob)}]}
        text = json.dumps(doc).encode()
        text += b" " * (-len(text) % 4)
        blob = self.blob + b"\0" * (-len(self.blob) % 4)
        length = 12 + 8 + len(text) + 8 + len(blob)
        path.write_bytes(struct.pack("<4sII", b"glTF", 2, length) + struct.pack("<I4s", len(text), b"JSON") + text
                         + struct.pack("<I4s", len(blob), b"BIN\0") + blob)
