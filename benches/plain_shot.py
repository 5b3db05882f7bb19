"""The part of a shot that other renderers support: a dump of version 2 as version 1, without what that cannot hold.

    python3 benches/plain_shot.py shot.json     (in place; says what is left out)

Benchmarks that hold Packshot against a peer render the plain shot with both.
"""
import json
import re
import sys
from pathlib import Path

VERSION_ONE = "packshot-shot/1"


def plain(shot):
    """The shot as version 1, and what was left out."""
    if shot["schema"] == VERSION_ONE:
        return shot, []
    if "views" in shot or "turntable" in shot:
        raise SystemExit("version 1 has no shots of several pictures")
    lost = []

    def drop(owner, name, at, nothing):
        if owner.pop(name, nothing) != nothing:
            lost.append(f"{at}/{name}")

    shot = json.loads(json.dumps(shot)) | {"schema": VERSION_ONE}
    library = shot.pop("library", None)
    if library:
        shot["comment"] = f"made with the material library {library}"
    drop(shot, "lines", "", None)
    for name, nothing in (("rotate_deg", [0.0, 0.0, 0.0]), ("smooth_deg", 0.0), ("look", "gltf"), ("variant", None), ("pose", None)):
        drop(shot["geometry"], name, "/geometry", nothing)
    drop(shot["camera"], "aperture", "/camera", None)
    floor = shot.get("floor")
    if floor:
        drop(floor, "center_m", "/floor", [0.0, 0.0])
        drop(floor, "sweep", "/floor", None)
        if isinstance(floor["material"], dict):
            shot["materials"]["ground of its own"] = floor["material"]["openpbr"]
            floor["material"] = "ground of its own"
    film = shot["film"]
    film["denoise"] = film.get("denoise", "off") != "off"
    drop(film, "denoise_with", "/film", "packshot")
    drop(film, "oidn_quality", "/film", None)
    drop(shot["view"], "lut", "/view", None)
    if shot["view"]["transform"].startswith("agx_"):
        lost.append("/view/transform")
        shot["view"]["transform"] = "agx"
    drop(shot.get("environment", {}), "rotation_x_deg", "/environment", 0.0)
    lights = []
    for i, light in enumerate(shot["lights"]):
        if light["kind"] == "spot":
            lost.append(f"/lights/{i}")
            continue
        if light["kind"] == "directional":
            drop(light, "half_angle_deg", f"/lights/{i}", 0.0)
        lights.append(light)
    shot["lights"] = lights
    for name, material in shot["materials"].items():
        drop(material, "priority", f"/materials/{name}", 0)
        drop(material, "textures", f"/materials/{name}", None)
        drop(material, "surface", f"/materials/{name}", {"bevel_mm": None, "tangent": None, "detail": []})
    parts = {}
    for i, rule in enumerate(shot["parts"]):
        name = re.sub(r"\\(.)", r"\1", rule["part"]).rsplit("/", 1)[-1].replace("*", "\\*")
        if re.fullmatch(r"Node_\d+", name):
            lost.append(f"/parts/{i}, a node without a name, which version 1 calls like its mesh")
        material = rule.get("material")
        if rule.get("hidden"):
            shot["materials"]["hidden"], material = {"geometry_opacity": 0}, "hidden"
        if isinstance(material, list):
            material = next((each for each in material if each), None)
            lost.append(f"/parts/{i}")
        if parts.setdefault(name, material) != material:
            lost.append(f"/parts/{i}")
    shot["parts"] = parts
    return shot, lost


def make_plain(path):
    """Rewrites the shot in a file as version 1, and returns what was left out."""
    shot, lost = plain(json.loads(Path(path).read_text()))
    Path(path).write_text(json.dumps(shot, indent=2) + "\n")
    return lost


if __name__ == "__main__":
    print("\n".join(f"left out: {what}" for what in make_plain(sys.argv[1])))
