"""Scenes of the parity test: GLBs with one glTF feature each, an environment map, and the cameras for the assets."""
import math
from dataclasses import dataclass

import numpy as np

from bodies import Glb, box, plane, sphere

FOV_Y_RAD = math.radians(26)
SKY, LIGHTS = "sky", "lights"


@dataclass
class Scene:
    """What is rendered: `world_from_camera` is a 4x4 matrix; lit by the map (SKY) or by the lights of the file alone (LIGHTS)."""
    name: str
    glb: object
    world_from_camera: np.ndarray
    fov_y_rad: float = FOV_Y_RAD
    light: str = SKY
    what: str = ""
    clip_m: tuple = (1e-4, 1e4)


def look_at(eye, target):
    eye, target = np.array(eye, float), np.array(target, float)
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0, 1, 0], back)
    right /= np.linalg.norm(right)
    m = np.eye(4)
    m[:3, 0], m[:3, 1], m[:3, 2], m[:3, 3] = right, np.cross(back, right), back, eye
    return m


def sky(width=512):
    """A grey gradient with a wide warm softbox, a narrow cool one, and a dark floor: every direction shows which it is."""
    y, x = np.mgrid[0:width // 2, 0:width]
    azimuth, polar = (x + 0.5) / width * 360, (y + 0.5) / (width // 2) * 180
    rgb = np.where(polar < 90, 0.9 - 0.6 * polar / 90, 0.15 + 0.1 * (polar - 90) / 90)[..., None] * [0.95, 1.0, 1.05]
    warm = (np.abs(azimuth - 320) < 24) & (np.abs(polar - 50) < 18)
    cool = (np.abs(azimuth - 200) < 7) & (np.abs(polar - 60) < 28)
    rgb[warm] = [9.0, 8.2, 7.0]
    rgb[cool] = [5.0, 6.0, 7.5]
    return rgb.astype(np.float32)


def write_sky(path):
    import OpenEXR
    OpenEXR.File({"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}, {"RGB": sky()}).write(str(path))


def checker(n=8, a=(230, 40, 30), b=(20, 60, 120)):
    y, x = np.mgrid[0:n, 0:n]
    return np.where(((x + y) % 2 == 0)[..., None], a, b).astype(np.uint8)


def ripple(n=128):
    """A normal map of waves; green is up."""
    y, x = (np.mgrid[0:n, 0:n] + 0.5) / n * 2 * math.pi
    m = np.stack([-0.5 * np.cos(6 * x), 0.5 * np.cos(4 * y), np.ones_like(x)], -1)
    return np.round((m / np.linalg.norm(m, axis=-1, keepdims=True) * 0.5 + 0.5) * 255)


def ramps(n=64):
    """Red is a checker, green a ramp from top to bottom, blue one from left to right, alpha equals green."""
    y, x = np.mgrid[0:n, 0:n]
    return np.stack([255 * ((x // 8 + y // 8) % 2), y * 255 // (n - 1), x * 255 // (n - 1), y * 255 // (n - 1)], -1)


def directions(n=64):
    """Anisotropy whose direction rotates once: red and green are the direction, blue is the strength."""
    y, x = (np.mgrid[0:n, 0:n] + 0.5) / n
    return np.round(np.stack([0.5 + 0.5 * np.cos(2 * math.pi * x), 0.5 + 0.5 * np.sin(2 * math.pi * x), y], -1) * 255)


def stage(glb, floor=True):
    """A matte grey ground."""
    if floor:
        glb.body(plane(8), glb.material((0.4, 0.4, 0.4), roughness=1.0), (0, -0.5, 0))


PLACES = ((-1.15, 0, 0), (0, 0, 0), (1.15, 0, 0))
BALL, BRICK = sphere(), box(0.75, 0.9, 0.75)
# Above the ground: which of two coincident faces is hit is undefined.
BRICK_AT = (0, -0.04, 0)
TURNED = {"rotation": [0, math.sin(0.3), 0, math.cos(0.3)]}


def three(glb, *materials):
    """A sphere, a turned box and a sphere. The box has no normals of its own."""
    for place, material in zip(PLACES, materials):
        if place is PLACES[1]:
            glb.body(BRICK, material, BRICK_AT, normals=False, **TURNED)
        else:
            glb.body(BALL, material, place)
    stage(glb)


def metal(g):
    three(g, g.material((0.9, 0.6, 0.3), 1, 0.05), g.material((0.56, 0.57, 0.58), 1, 0.3), g.material((0.95, 0.9, 0.8), 1, 1.0))


def dielectric(g):
    three(g, g.material((0.5, 0.03, 0.02), 0, 0.05), g.material((0.1, 0.3, 0.6), 0, 0.4), g.material((0.8, 0.8, 0.8), 0.4, 0.8))


def default(g):
    three(g, None, None, g.material())
    colors = np.clip(BALL[1] * 0.5 + 0.5, 0, 1)
    g.body(sphere(0.3), None, (-0.6, -0.2, 0.8), colors=np.c_[colors, np.ones(len(colors))])


def transmission(g):
    three(g, g.material((1, 1, 1), 0, 0, extensions={"transmission": {"transmissionFactor": 1}}),
          g.material((0.6, 0.85, 1), 0, 0.1, extensions={"transmission": {"transmissionFactor": 1}}),
          g.material((1, 0.7, 0.4), 0, 0.4, extensions={"transmission": {"transmissionFactor": 0.7}}))


def volume(g):
    glass = lambda **volume: {"transmission": {"transmissionFactor": 1}, "volume": {"thicknessFactor": 1, **volume}}
    three(g, g.material((1, 1, 1), 0, 0, extensions=glass(attenuationDistance=0.5, attenuationColor=[0.1, 0.7, 0.6])),
          g.material((1, 1, 1), 0, 0, extensions=glass(attenuationDistance=0.3, attenuationColor=[0.9, 0.5, 0.3])),
          g.material((1, 1, 1), 0, 0.2, extensions={"transmission": {"transmissionFactor": 1}, "volume": {"thicknessFactor": 0, "attenuationDistance": 0.1, "attenuationColor": [0.1, 0.7, 0.6]}}))


def ior(g):
    solid = {"transmission": {"transmissionFactor": 1}, "volume": {"thicknessFactor": 1}}
    three(g, g.material((1, 1, 1), 0, 0, extensions={**solid, "ior": {"ior": 2.42}}), g.material((0.05, 0.05, 0.05), 0, 0.2, extensions={"ior": {"ior": 2.0}}),
          g.material((1, 1, 1), 0, 0, extensions={**solid, "ior": {"ior": 1.15}}))


def specular(g):
    three(g, g.material((0.5, 0.03, 0.02), 0, 0.15, extensions={"specular": {"specularFactor": 0}}),
          g.material((0.02, 0.02, 0.02), 0, 0.25, extensions={"specular": {"specularColorFactor": [1, 0.35, 0.05]}, "ior": {"ior": 1.8}}),
          g.material((0.9, 0.7, 0.4), 1, 0.3, extensions={"specular": {"specularFactor": 0.5, "specularColorFactor": [0.4, 0.6, 1]}}))


def clearcoat(g):
    texture = g.texture(ramps())
    three(g, g.material((0.35, 0.02, 0.02), 0.6, 0.5, extensions={"clearcoat": {"clearcoatFactor": 1}}),
          g.material((0.02, 0.08, 0.3), 0, 0.6, extensions={"clearcoat": {"clearcoatFactor": 1, "clearcoatTexture": texture, "clearcoatRoughnessFactor": 0.4}}),
          g.material((0.8, 0.75, 0.7), 1, 0.6, extensions={"clearcoat": {"clearcoatFactor": 0.8, "clearcoatRoughnessFactor": 0.8}}))


def sheen(g):
    three(g, g.material((0.03, 0.02, 0.12), 0, 0.9, extensions={"sheen": {"sheenColorFactor": [0.6, 0.5, 0.9], "sheenRoughnessFactor": 0.35}}),
          g.material((0.2, 0.02, 0.02), 0, 0.9, extensions={"sheen": {"sheenColorFactor": [0.9, 0.8, 0.7], "sheenRoughnessFactor": 0.8}}),
          g.material((0.1, 0.2, 0.1), 0, 0.7, extensions={"sheen": {"sheenColorFactor": [1, 1, 1], "sheenRoughnessFactor": 0.15}}))


def anisotropy(g):
    three(g, g.material((0.56, 0.57, 0.58), 1, 0.3, extensions={"anisotropy": {"anisotropyStrength": 0.8}}),
          g.material((0.8, 0.6, 0.4), 1, 0.25, extensions={"anisotropy": {"anisotropyStrength": 0.6, "anisotropyRotation": 0.8}}),
          g.material((0.56, 0.57, 0.58), 1, 0.3, extensions={"anisotropy": {"anisotropyStrength": 1, "anisotropyTexture": g.texture(directions())}}))


def dropped(g):
    """Extensions that Blender 5.0 does not read."""
    solid = {"transmission": {"transmissionFactor": 1}, "ior": {"ior": 2.0}, "volume": {"thicknessFactor": 1, "attenuationDistance": 1, "attenuationColor": [0.9, 0.8, 0.8]}}
    three(g, g.material((0.02, 0.02, 0.02), 0, 0.1, extensions={"iridescence": {"iridescenceFactor": 1, "iridescenceIor": 1.6, "iridescenceThicknessMaximum": 420}}),
          g.material((0.3, 0.5, 0.1), 0, 0.5, extensions={"diffuse_transmission": {"diffuseTransmissionFactor": 0.8, "diffuseTransmissionColorFactor": [0.9, 0.4, 0.05]}}),
          g.material((1, 1, 1), 0, 0, extensions={**solid, "dispersion": {"dispersion": 2.0}, "volume_scatter": {"multiscatterColor": [0.8, 0.5, 0.5]}}))


def emission(g):
    three(g, g.material((0, 0, 0), 0, 0.5, emissiveFactor=[1, 0.4, 0.1], extensions={"emissive_strength": {"emissiveStrength": 4}}),
          g.material((0.7, 0.7, 0.7), 0, 0.3), g.material((0.1, 0.1, 0.1), 0, 0.2, emissiveFactor=[0.5, 0.5, 0.5], extensions={"clearcoat": {"clearcoatFactor": 1, "clearcoatRoughnessFactor": 0.2}}))


def emission_texture(g):
    texture = g.texture(checker())
    lamp = lambda strength: g.material((0.05, 0.05, 0.05), 0, 0.5, emissiveFactor=[1, 1, 1], emissiveTexture=texture, extensions={"emissive_strength": {"emissiveStrength": strength}})
    three(g, lamp(3), lamp(6), g.material((0.9, 0.9, 0.9), 1, 0.3))


def unlit(g):
    three(g, g.material((0.1, 0.6, 0.9), 0, 0.9, extensions={"unlit": {}}), g.material((0.9, 0.9, 0.9), 1, 0.05), g.material((0.9, 0.4, 0.1), 0, 0.5, 0.5, extensions={"unlit": {}}, alphaMode="BLEND"))


def specular_glossiness(g):
    gloss = lambda **m: {"pbrSpecularGlossiness": m}
    three(g, g.material(extensions=gloss(diffuseFactor=[0.05, 0.2, 0.45, 1], specularFactor=[0.3, 0.3, 0.1], glossinessFactor=0.8)),
          g.material(extensions=gloss(diffuseFactor=[0.4, 0.1, 0.05, 1], specularFactor=[0.04, 0.04, 0.04], glossinessFactor=0.5)),
          g.material(extensions=gloss(diffuseFactor=[0.02, 0.02, 0.02, 1], specularGlossinessTexture=g.texture(np.dstack([ramps()[..., 2], ramps()[..., 2], ramps()[..., 1], ramps()[..., 3]])))))


def alpha_mask(g):
    rgba = np.dstack([checker(16), ramps(16)[..., :1]])
    masked = lambda **more: g.material((1, 1, 1), 0, 0.5, pbr={"baseColorTexture": g.texture(rgba)}, alphaMode="MASK", **more)
    three(g, masked(), masked(alphaCutoff=0.25, doubleSided=True), g.material((0.2, 0.6, 0.3), 0, 0.5, 0.3, alphaMode="MASK", alphaCutoff=0.4))


def alpha_blend(g):
    rgba = np.dstack([checker(16), ramps(16)[..., 1:2]])
    three(g, g.material((1, 1, 1), 0, 0.5, pbr={"baseColorTexture": g.texture(rgba)}, alphaMode="BLEND"),
          g.material((0.2, 0.6, 0.3), 0, 0.3, 0.5, alphaMode="BLEND"), g.material((0.8, 0.2, 0.2), 0, 0.3, 0.3))


def vertex_colors(g):
    tinted = g.material((1, 0.9, 0.8), 0, 0.4)
    for place in PLACES[::2]:
        g.body(BALL, tinted, place, colors=np.c_[(BALL[1] * 0.5 + 0.5) ** 2, np.ones(len(BALL[1]))])
    faint = np.tile([0.002, 0.004, 0.006, 1.0], (len(BRICK[0]), 1))
    g.body(BRICK, tinted, BRICK_AT, colors=faint, **TURNED)
    stage(g)


def normal_map(g):
    wave = g.texture(ripple())
    three(g, g.material((0.6, 0.6, 0.6), 0, 0.5, normalTexture=wave), g.material((0.9, 0.6, 0.3), 1, 0.2, normalTexture={**wave, "scale": 0.5}),
          g.material((0.3, 0.02, 0.02), 0, 0.6, normalTexture=wave, extensions={"clearcoat": {"clearcoatFactor": 1, "clearcoatRoughnessFactor": 0.1}}))


def textures(g):
    """A few texels, strongly magnified, with each kind of wrapping."""
    few = checker(4, (250, 240, 200), (10, 20, 60))
    three(g, g.material((1, 1, 1), 0, 0.6, pbr={"baseColorTexture": g.texture(few)}),
          g.material((1, 0.8, 0.6), 1, 1, pbr={"baseColorTexture": g.texture(few, wrapS=33071, wrapT=33648), "metallicRoughnessTexture": g.texture(ramps()[..., :3])}),
          g.material((1, 1, 1), 0, 0.6, pbr={"baseColorTexture": g.texture(few, magFilter=9728, minFilter=9728)}))


def sides(g):
    """A bowl and plates seen from behind: single-sided surfaces."""
    p, n, uv, triangles = sphere()
    lower = triangles[(p[triangles][..., 1].max(1) < 0.02)]
    g.body((p, n, uv, lower), g.material((0.7, 0.5, 0.2), 0, 0.4), PLACES[0])
    quad = (np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]]), np.tile([0.0, 0, -1], (4, 1)), np.zeros((4, 2)), np.array([[0, 2, 1], [0, 3, 2]]))
    g.body(quad, g.material((0.3, 0.5, 0.7), 0, 0.4), (0, 0, 0), rotation=[-0.2, 0, 0, 0.9798])
    g.body(quad, g.material((0.9, 0.6, 0.3), 1, 0.3, doubleSided=True), PLACES[2])
    stage(g)


def point(g):
    three(g, g.material((0.8, 0.8, 0.8), 0, 0.4), g.material((0.8, 0.6, 0.4), 1, 0.4), g.material((0.2, 0.4, 0.7), 0, 0.7))
    g.light(look_at((1.5, 2.5, 2), (0, 0, 0)), type="point", intensity=6000, color=[1, 0.9, 0.8])
    g.light(look_at((-3, 1.5, 1), (0, 0, 0)), type="point", intensity=3000, color=[0.6, 0.8, 1], range=2)
    # 10 W of Blender, 1 cd of glTF.
    g.light(look_at((-0.6, 0.1, 0.9), (0, 0, 0)), type="point")


def spot(g):
    three(g, g.material((0.8, 0.8, 0.8), 0, 0.4), g.material((0.8, 0.6, 0.4), 1, 0.4), g.material((0.2, 0.4, 0.7), 0, 0.7))
    g.light(look_at((1.5, 2.5, 2), (0.3, -0.3, 0)), type="spot", intensity=9000, spot={"innerConeAngle": 0.1, "outerConeAngle": 0.4})
    g.light(look_at((-2.5, 2, 2), (-0.6, -0.3, 0)), type="spot", intensity=6000, color=[0.6, 0.8, 1], spot={"innerConeAngle": 0.2, "outerConeAngle": 0.25})
    g.light(look_at((0, 3, -3), (0, 0, 0)), type="spot", intensity=3000, spot={})


def sun(g):
    three(g, g.material((0.8, 0.8, 0.8), 0, 0.4), g.material((0.8, 0.6, 0.4), 1, 0.4), g.material((0.2, 0.4, 0.7), 0, 0.7))
    g.light(look_at((1.5, 2.5, 2), (0, 0, 0)), type="directional", intensity=1500, color=[1, 0.9, 0.8])
    g.light(look_at((-3, 1, 1), (0, 0, 0)), type="directional", intensity=200, color=[0.6, 0.8, 1])


def textured_layers(g):
    """Textures of transmission, specular, sheen and metalness."""
    t = g.texture(ramps())
    three(g, g.material((1, 0.8, 0.6), 0, 0.1, extensions={"transmission": {"transmissionFactor": 1, "transmissionTexture": t}}),
          g.material((0.1, 0.1, 0.1), 0, 0.3, extensions={"specular": {"specularFactor": 1, "specularTexture": t, "specularColorTexture": g.texture(checker())}}),
          g.material((0.1, 0.02, 0.02), 0, 0.9, extensions={"sheen": {"sheenColorFactor": [1, 1, 1], "sheenColorTexture": g.texture(checker()), "sheenRoughnessFactor": 0.8, "sheenRoughnessTexture": t}}))


def glass_textures(g):
    """Glass whose specular weight or colour comes from textures."""
    weight, color = g.texture(ramps()), g.texture(checker())
    glass = lambda **specular: {"transmission": {"transmissionFactor": 1}, "volume": {"thicknessFactor": 1}, "specular": specular}
    three(g, g.material((1, 1, 1), 0, 0.15, extensions=glass(specularTexture=weight)),
          g.material((1, 1, 1), 0, 0.1, extensions=glass(specularColorTexture=color)),
          g.material((0.9, 0.95, 1), 0, 0.3, extensions={**glass(specularFactor=0.8, specularTexture=weight, specularColorTexture=color), "ior": {"ior": 1.8}}))


FEATURES = (metal, dielectric, default, transmission, volume, ior, specular, clearcoat, sheen, anisotropy, dropped, emission, emission_texture, unlit,
            specular_glossiness, alpha_mask, alpha_blend, vertex_colors, normal_map, textures, textured_layers, glass_textures, sides, point, spot, sun)
DARK = (point, spot, sun)

# Name of the asset, eye and target in metres.
ASSETS = {
    "bearing_6205": ((0.06, 0.05, 0.13), (0, 0, 0)),
    "bearing_6205_colour": ((-0.05, 0.06, 0.13), (0, 0, 0)),
    "cylindrical_roller_NU205_colour": ((0.09, 0.05, 0.11), (0, 0, 0)),
    "screw_M8x30_colour": ((0.06, 0.06, 0.1), (0, 0.018, 0)),
    "gear_reducer": ((0.35, 0.32, 0.5), (0, 0.0, 0)),
    "conveyor_10k": ((9, 8, 13), (0, 0, 0)),
    "mug": ((0.18, 0.2, 0.26), (0, 0.045, 0)),
    "textured_crate": ((0.8, 0.65, 1.1), (0, 0.16, 0)),
    "materials_grid": ((0, 1.275, 1.385), (0, 0.25, -0.39)),
}


def make(folder, assets):
    """Writes the files of the generated scenes; returns all scenes, with those of assets if `assets` is a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_sky(folder / "sky.exr")
    scenes = []
    camera = look_at((0.0, 1.5, 5.2), (0, -0.1, 0))
    for feature in FEATURES:
        glb = Glb()
        feature(glb)
        glb.camera(camera, FOV_Y_RAD)
        path = folder / f"{feature.__name__}.glb"
        glb.write(path)
        scenes.append(Scene(feature.__name__, path, camera, light=LIGHTS if feature in DARK else SKY))
    for name, (eye, target) in ASSETS.items() if assets else ():
        scenes.append(Scene(name, assets / f"{name}.glb", look_at(eye, target), fov_y_rad=0.5 if name == "materials_grid" else FOV_Y_RAD))
    return scenes
