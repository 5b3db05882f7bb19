"""A model without its normals: what is left is the geometry, and every triangle is flat.

Cycles loses the light that smooth normals and normal maps scatter below a triangle; Packshot does not (docs/parity.md). A model that differs by that alone agrees
without them.
"""
import json
import struct
from pathlib import Path

JSON = 0x4E4F534A


def without_normals(source: Path, target: Path):
    """Writes the GLB `source` without normals, tangents and maps of normals."""
    data = source.read_bytes()
    length, kind = struct.unpack_from("<II", data, 12)
    assert kind == JSON, source
    document = json.loads(data[20:20 + length])
    for mesh in document.get("meshes", []):
        for primitive in mesh["primitives"]:
            packed = primitive.get("extensions", {}).get("KHR_draco_mesh_compression", {})
            for attributes in [primitive["attributes"], packed.get("attributes", {}), *primitive.get("targets", [])]:
                attributes.pop("NORMAL", None)
                attributes.pop("TANGENT", None)
    for material in document.get("materials", []):
        material.pop("normalTexture", None)
        material.get("extensions", {}).get("KHR_materials_clearcoat", {}).pop("clearcoatNormalTexture", None)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length:]
    target.write_bytes(struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(rest), len(text), JSON) + text + rest)
