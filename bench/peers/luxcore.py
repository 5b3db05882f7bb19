"""A peer: LuxCore's path tracer on the CPU, through the pyluxcore wheel.

LuxCore starts rays at least 1e-5 units off a surface: so it gets millimetres. Its meshes come in PLY files: by call it takes but lists.
"""
import scene as peers
import math
import os
import tempfile
import time

import numpy as np

SMOOTHEST = 0.03
ALWAYS = {"base_weight", "base_color", "base_metalness", "specular_weight", "specular_roughness", "specular_ior", "transmission_weight",
          "emission_luminance", "emission_color", "geometry_opacity"}


class LuxCore(peers.Peer):
    # Its threads outlive the interpreter, and its malloc aborts on memory of libraries that are loaded later:
# `scene` has loaded all.
    name, package, install = "luxcore", "pyluxcore", "pip install pyluxcore==2.11.2"
    folder = None

    def start(self, options):
        global lux
        import pyluxcore as lux
        lux.Init()
        self.threads = options.threads
        return lux.Version()

    def load(self, scene):
        scene.in_millimetres()
        self.folder, self.scene = tempfile.TemporaryDirectory(prefix="packshot-peer-"), scene
        properties = lux.Properties()

        def put(name, *values):
            properties.Set(lux.Property("scene." + name, [plain for value in values for plain in plain_values(value)]))

        for i, m in enumerate(scene.materials):
            put_material(put, f"materials.m{i}.", m, scene.notes)
        put_instances(put, scene, self.folder.name)
        put_lights(put, scene, self.folder.name)
        put_camera(put, scene, 0)
        self.built = lux.Scene()
        self.built.Parse(properties)
        scene.notes |= {f"{key} left out" for key in ("clamp_direct", "clamp_indirect") if getattr(scene.film, key)}
        if scene.is_transparent and any(m["transmission_weight"] * (1 - m["base_metalness"]) for m in scene.materials):
            scene.notes.add("clear materials: no alpha where nothing is behind them")

    def render(self, seed, turn_deg):
        start = time.perf_counter()
        # The camera turns, not the product, whose tree would have to be built again.
        camera = lux.Properties()
        put_camera(lambda name, *values: camera.Set(lux.Property("scene." + name, [v for value in values for v in plain_values(value)])),
                   self.scene, turn_deg)
        self.built.Parse(camera)
        session = lux.RenderSession(lux.RenderConfig(settings(self.scene, seed, self.threads), self.built))
        session.Start()
        begun, cpu = time.perf_counter(), time.process_time()
        while not session.HasDone():
            time.sleep(0.002)
            session.UpdateStats()
        end, cpu_end = time.perf_counter(), time.process_time()
        height, width = self.scene.film.height, self.scene.film.width
        color, alpha = np.zeros((height, width, 3), np.float32), np.zeros((height, width, 1), np.float32)
        session.GetFilm().GetOutputFloat(lux.FilmOutputType.RGB, color.ravel(), 0)
        session.GetFilm().GetOutputFloat(lux.FilmOutputType.ALPHA, alpha.ravel(), 0)
        self.samples_mean = round(session.GetStats().Get("stats.renderengine.total.samplecount").GetFloat() / (width * height), 3)
        session.Stop()
        self.rgba = np.concatenate([color, alpha], -1)[::-1]
        return begun - start, end - begun, cpu_end - cpu

    def close(self):
        if self.folder:
            self.folder.cleanup()


def plain_values(value):
    return np.asarray(value).ravel().tolist()


def columns(world):
    return world.T.ravel()


def settings(scene, seed, threads):
    film, bounces, made = scene.film, scene.film.max_bounces, lux.Properties()
    values = {
        "renderengine.type": "PATHCPU", "sampler.type": "SOBOL", "native.threads.count": threads, "renderengine.seed": seed % 2**31 + 1,
        "film.width": film.width, "film.height": film.height, "batch.haltspp": film.samples,
        "path.forceblackbackground.enable": scene.is_transparent,
        "film.filter.type": film.filter.upper().replace("_", ""), "film.filter.width": 0.5 if film.filter == "box" else film.filter_width_px,
        "film.outputs.0.type": "RGB", "film.outputs.0.filename": "color.exr", "film.outputs.1.type": "ALPHA", "film.outputs.1.filename": "alpha.exr",
        # A depth is a number of rays from the camera on: one more than bounces.
        "path.pathdepth.total": bounces["total"] + 1, "path.pathdepth.diffuse": bounces["diffuse"] + 1,
        "path.pathdepth.glossy": bounces["glossy"] + 1, "path.pathdepth.specular": max(bounces["glossy"], bounces["transmission"]) + 1}
    for key, value in values.items():
        made.Set(lux.Property(key, [value]))
    return made


def put_material(put, at, m, notes):
    base, metal, roughness, followed = m["base_weight"] * np.array(m["base_color"]), m["base_metalness"], float(m["specular_roughness"]), ALWAYS
    if m["transmission_weight"] > 0 and metal < 1:
        followed = followed | {"transmission_color"}
        put(at + "type", "glass" if roughness < SMOOTHEST else "roughglass")
        put(at + "kt", np.array(m["transmission_color"], float))
        put(at + "kr", (1.0, 1.0, 1.0))
        put(at + "interiorior", float(m["specular_ior"]))
        if roughness >= SMOOTHEST:
            put(at + "uroughness", roughness ** 2)
            put(at + "vroughness", roughness ** 2)
        notes |= {"materials that are clear in part are clear all through"} if m["transmission_weight"] < 1 or metal > 0 else set()
    elif metal == 0 and m["coat_weight"] == 0 and (m["specular_weight"] == 0 or m["specular_ior"] == 1):
        put(at + "type", "matte")
        put(at + "kd", base)
    else:
        followed = followed | {"coat_weight", "coat_roughness"}
        put(at + "type", "disney")
        put(at + "basecolor", base)
        put(at + "metallic", float(metal))
        put(at + "roughness", roughness)
        # Disney's 1 reflects 8 % straight on.
        put(at + "specular", min(1.0, m["specular_weight"] * ((m["specular_ior"] - 1) / (m["specular_ior"] + 1)) ** 2 / 0.08))
        put(at + "clearcoat", float(m["coat_weight"]))
        put(at + "clearcoatgloss", 1 - float(m["coat_roughness"]))
        notes |= {"metals: Disney, without light scattered twice"} if metal > 0 else set()
        notes |= {"opaque dielectrics: Disney, whose base is not Lambert's"} if metal < 1 else set()
        notes |= {"coats are Disney's clear coat"} if m["coat_weight"] else set()
    if m["emission_luminance"]:
        put(at + "emission", m["emission_luminance"] * np.array(m["emission_color"], float))
    if m["geometry_opacity"] < 1:
        put(at + "transparency", float(m["geometry_opacity"]))
    notes |= peers.left_out(m, followed)


def put_instances(put, scene, folder):
    """Meshes that are used once stand in the world, others are placed."""
    used = np.bincount(scene.instance_mesh, minlength=len(scene.meshes))
    for i, (which, world) in enumerate(zip(scene.instance_mesh.tolist(), scene.instance_world)):
        m, at = scene.meshes[which], f"objects.o{i}."
        path = os.path.join(folder, f"{which}.ply")
        if not os.path.exists(path):
            write_ply(path, m if used[which] > 1 else m.moved(world))
            put(f"shapes.s{which}.type", "mesh")
            put(f"shapes.s{which}.ply", path)
        put(at + "shape", f"s{which}")
        put(at + "material", f"m{m.material}")
        if used[which] > 1:
            put(at + "transformation", columns(world))


def write_ply(path, m):
    """The format is PLY's binary one."""
    fields, vertices = "x y z", m.positions
    if m.normals is not None:
        fields, vertices = "x y z nx ny nz", np.hstack([m.positions, m.normals])
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}", *(f"property float {name}" for name in fields.split()),
            f"element face {len(m.triangles)}", "property list uchar int vertex_indices", "end_header", ""]
    faces = np.empty(len(m.triangles), [("corners", "u1"), ("corner", "<i4", 3)])
    faces["corners"], faces["corner"] = 3, m.triangles
    with open(path, "wb") as file:
        file.write("\n".join(head).encode() + np.ascontiguousarray(vertices, "<f4").tobytes() + faces.tobytes())


def put_lights(put, scene, folder):
    environment = scene.environment
    if environment.radiance.any():
        put("lights.environment.type", "constantinfinite")
        put("lights.environment.color", environment.radiance)
    if environment.map is not None:
        path = os.path.join(folder, "map.pfm")
        write_pfm(path, environment.map)
        put("lights.environment.type", "infinite")
        put("lights.environment.file", path)
        put("lights.environment.gamma", 1.0)
        put("lights.environment.gain", [float(environment.strength)] * 3)
        # LuxCore's map has Z up, and its columns run the other way.
        upright = np.array([[-1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
        turn = peers.about_y(environment.rotation_y_deg) @ peers.about_x(environment.rotation_x_deg)
        put("lights.environment.transformation", columns(turn @ upright))
    for i, light in enumerate(scene.lights):
        at = f"lights.light{i}."
        if light.kind == "rect":
            put_rectangle(put, f"light{i}", light, scene, folder)
            continue
        if light.kind == "directional":
            put(at + "type", "distant" if light.half_angle_deg else "sharpdistant")
            put(at + "direction", -light.world[:3, 2])
            put(at + "color", light.power)
            if light.half_angle_deg:
                put(at + "theta", float(light.half_angle_deg))
        elif light.kind == "point":
            put(at + "type", "point")
            put(at + "position", light.world[:3, 3])
            put(at + "color", 4 * math.pi * light.power)  # the power, not the intensity
        else:
            put(at + "type", "spot")
            put(at + "position", light.world[:3, 3])
            put(at + "target", light.world[:3, 3] - light.world[:3, 2])
            put(at + "coneangle", float(light.outer_cone_deg))
            put(at + "conedeltaangle", float(light.outer_cone_deg - light.inner_cone_deg))
            put(at + "color", light.power)
            scene.notes.add("spot lights: the edge fades along another curve")


def put_rectangle(put, name, light, scene, folder):
    """A black emitter, seen from one side alone. Each side shines as a uniform environment behind it does."""
    if scene.environment.map is not None:
        scene.notes.add("rect lights hide the environment behind them")
    right, up = light.width_m / 2, light.height_m / 2
    square = np.array([[-right, -up, 0], [-right, up, 0], [right, up, 0], [right, -up, 0]], np.float32)
    to_front = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    behind = scene.environment.radiance
    for side, triangles, radiance in (("front", to_front, light.power + behind), ("back", to_front[:, ::-1], behind)):
        if radiance.any():
            world, path = light.world.copy(), os.path.join(folder, f"{name}_{side}.ply")
            world[:3, 3] += 1e-4 * max(right, up) * (side == "back") * light.world[:3, 2]
            write_ply(path, peers.Mesh(square, None, triangles, 0, False).moved(world))
            put(f"materials.{name}_{side}.type", "matte")
            put(f"materials.{name}_{side}.kd", (0.0, 0.0, 0.0))
            put(f"materials.{name}_{side}.emission", radiance)
            put(f"objects.{name}_{side}.ply", path)
            put(f"objects.{name}_{side}.material", f"{name}_{side}")
            put(f"objects.{name}_{side}.camerainvisible", True)


def write_pfm(path, pixels):
    """The plainest format of floats that LuxCore reads. Its last row is on top."""
    with open(path, "wb") as file:
        file.write(b"PF\n%d %d\n-1\n" % (pixels.shape[1], pixels.shape[0]) + pixels[::-1].astype("<f4").tobytes())


def put_camera(put, scene, turn_deg):
    camera, film, world = scene.camera, scene.film, scene.camera_around(turn_deg)
    put("camera.type", "orthographic" if camera.fov_y_deg is None else "perspective")
    put("camera.lookat.orig", world[:3, 3])
    put("camera.lookat.target", world[:3, 3] - world[:3, 2])
    put("camera.up", world[:3, 1])
    put("camera.cliphither", float(camera.near_m))
    put("camera.clipyon", float(camera.far_m))
    if camera.fov_y_deg is not None:
        put("camera.fieldofview", float(camera.fov_y_deg))
    # Pictures come out one row too low: so the window on the screen is moved down by one.
    half, aspect = (1 if camera.fov_y_deg is not None else camera.height_m / 2), film.width / film.height
    put("camera.screenwindow", half * np.array([-aspect, aspect, -1 - 2 / film.height, 1 - 2 / film.height]))


if __name__ == "__main__":
    peers.run(LuxCore())
