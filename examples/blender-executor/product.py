"""The product for Blender: a copy of the GLB in the shot's materials. Blender itself changes names, and joins the primitives of a part."""
import json
import re
import struct
from math import radians

from mathutils import Matrix

# What materials of the shot are called in the copy, before their number.
PLACEHOLDER = "packshot-shot-"
HEADER, JSON_CHUNK = struct.Struct("<4s4I"), 0x4E4F534A


def dress(source, shot, copy):
    """Writes the copy of the GLB `source`."""
    data = source.read_bytes()
    end = HEADER.size + HEADER.unpack_from(data)[3]
    document = json.loads(data[HEADER.size:end])
    change(document, shot)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    header = HEADER.pack(b"glTF", 2, HEADER.size + len(text) + len(data) - end, len(text), JSON_CHUNK)
    copy.write_bytes(header + text + data[end:])


def change(document, shot):
    first = len(document.setdefault("materials", []))
    index_of = {name: first + i for i, name in enumerate(shot["materials"])}
    document["materials"] += [{"name": f"{PLACEHOLDER}{i}"} for i in range(len(index_of))]
    rules, meshes = rules_of(shot), {}
    scene = document["scenes"][document.get("scene", 0)]
    for index, path in walk(document, scene["nodes"]):
        node = document["nodes"][index]
        # The shot has its own camera and lights.
        node.pop("camera", None)
        node.get("extensions", {}).pop("KHR_lights_punctual", None)
        if "mesh" in node:
            name = node.get("name") or document["meshes"][node["mesh"]].get("name") or f"Node_{index}"
            called = [(text, place) for text in (path, name) for place in (index, None)]
            wear(document, node, next((rules[key] for key in called if key in rules), {}), (index_of, meshes))
    # The shot is of the product at rest.
    document.pop("animations", None)
    document["nodes"].append({"name": "Product", "matrix": world_from_file(shot["geometry"]), "children": scene["nodes"]})
    document["scene"], document["scenes"] = 0, [{"nodes": [len(document["nodes"]) - 1]}]


def walk(document, roots):
    """Nodes with their paths, as Packshot has them."""
    left = [(index, "") for index in roots]
    while left:
        index, above = left.pop()
        node = document["nodes"][index]
        path = above + (node.get("name") or f"Node_{index}")
        yield index, path
        left += [(child, path + "/") for child in node.get("children", [])]


def rules_of(shot):
    """What each part wears, by its name (version 1) or path, and by its node where several share that."""
    if shot["schema"] == "packshot-shot/2":
        return {(re.sub(r"\\(.)", r"\1", rule["part"]), rule.get("node")): rule for rule in shot["parts"]}
    # Version 1 hides parts by a material that lets all light pass.
    hides = {name for name, openpbr in shot["materials"].items() if openpbr["geometry_opacity"] == 0}
    return {(name.replace("\\*", "*"), None): {"material": worn, "hidden": worn in hides} for name, worn in shot["parts"].items()}


def wear(document, node, rule, known):
    """Gives a part its materials. Equal meshes that wear the same are one, even where the file has several."""
    index_of, meshes = known
    if rule.get("hidden"):
        del node["mesh"]
        return
    worn, mesh = rule.get("material"), document["meshes"][node["mesh"]]
    worn = worn if isinstance(worn, list) else [worn] * len(mesh["primitives"])
    dressed = [{**each, "material": index_of[name]} if name else each for each, name in zip(mesh["primitives"], worn)]
    key = json.dumps({**mesh, "name": None, "primitives": dressed})
    if key not in meshes:
        meshes[key] = len(document["meshes"])
        document["meshes"].append({**mesh, "primitives": dressed})
    node["mesh"] = meshes[key]


def world_from_file(geometry):
    """How the file stands in the world, column by column."""
    matrix = Matrix.Scale(geometry["unit_scale"], 4)
    for axis, angle_deg in zip("XXYZ", (-90 if geometry["up_axis"] == "z" else 0, *geometry.get("rotate_deg", ()))):
        matrix = Matrix.Rotation(radians(angle_deg), 4, axis) @ matrix
    return [matrix[row][column] for column in range(4) for row in range(4)]
