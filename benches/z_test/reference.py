"""Runs the peers' render_mitsuba.py, and adds what it leaves out: emissive surfaces, and absorption inside bodies.

reference.py PEERS SHOT [options of render_mitsuba.py]
"""
import math
import sys
from pathlib import Path

peers = Path(sys.argv[1])
sys.argv = [str(peers / "render_mitsuba.py"), *sys.argv[2:]]
sys.path.insert(0, str(peers))
source = (peers / "render_mitsuba.py").read_text()
program, entry = source.rsplit("\ntry:\n    main()", 1)
space = {"__name__": "reference", "__file__": sys.argv[0]}
exec(compile(program, sys.argv[0], "exec"), space)
mi, plain_bsdf, plain_mesh = space["mi"], space["bsdf"], space["mesh"]
materials = {}


class Mitsuba:
    """The module, changed to remember which OpenPBR material a BSDF comes from."""

    def __getattr__(self, name):
        return getattr(mi, name)

    def load_dict(self, description):
        material = description.pop("openpbr", None) if isinstance(description, dict) else None
        loaded = mi.load_dict(description)
        if material:
            materials[id(loaded)] = (loaded, material)
        return loaded

    def Properties(self):
        """The emission and medium of the mesh that is being made."""
        properties = mi.Properties()
        for key, value in extras.items():
            properties[key] = value
        return properties


def bsdf(m):
    return {**plain_bsdf(m), "openpbr": m}


def mesh(name, prim, material, world):
    _, m = materials.get(id(material), (None, None))
    extras.clear()
    if m and m["emission_luminance"] > 0:
        radiance = [c * m["emission_luminance"] for c in m["emission_color"]]
        extras["emitter"] = mi.load_dict({"type": "area", "radiance": space["rgb"](radiance)})
    if m and m["transmission_weight"] > 0 and m["transmission_depth"] > 0:
        sigma = [-math.log(c) / (m["transmission_depth"] * space["UNITS_PER_M"]) for c in m["transmission_color"]]
        extras["interior"] = mi.load_dict({"type": "homogeneous", "albedo": 0.0, "sigma_t": space["rgb"](sigma)})
        # Light that is absorbed over a depth must not be absorbed at the surface too.
        plain = {**m, "transmission_color": (1, 1, 1)}
        material = mi.load_dict(plain_bsdf(plain))
    return plain_mesh(name, prim, material, world)


extras = {}
space.update(mi=Mitsuba(), bsdf=bsdf, mesh=mesh)
if "transmission_depth" in Path(sys.argv[1]).read_text():
    space["args"].integrator = "volpathmis"
space["main"]()
