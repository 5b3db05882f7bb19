"""What the peers share: the command line, the peer scene that Packshot writes, pictures, and the result line.

A peer is one program of this folder. It reads SCENE.json, renders it as its renderer can, and says in one JSON line on stdout how long that took.
"""
import time

BEGUN = time.perf_counter()

import argparse, json, math, os, struct, sys, zlib  # noqa: E401, E402
from dataclasses import make_dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

try:
    import numpy as np
except ImportError:
    print(f"{Path(sys.argv[0]).stem}: numpy is missing: pip install numpy", file=sys.stderr)
    sys.exit(3)

SCHEMA, WHITE, LARGEST = "packshot-peer-scene/1", (1, 1, 1), 2**31 - 1
KEEPING = ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "USERPROFILE", "DRJIT_CACHE_DIR", "TMPDIR", "TEMP", "TMP")

# OpenPBR's parameters with their defaults: what a renderer does not follow is worth a note only where it differs from
# these.
OPENPBR = {
    "base_weight": 1, "base_color": (0.8, 0.8, 0.8), "base_diffuse_roughness": 0, "base_metalness": 0,
    "specular_weight": 1, "specular_color": WHITE, "specular_roughness": 0.3, "specular_roughness_anisotropy": 0, "specular_ior": 1.5,
    "transmission_weight": 0, "transmission_color": WHITE, "transmission_depth": 0, "transmission_scatter": (0, 0, 0),
    "transmission_scatter_anisotropy": 0, "transmission_dispersion_scale": 0, "transmission_dispersion_abbe_number": 20,
    "subsurface_weight": 0, "subsurface_color": (0.8, 0.8, 0.8), "subsurface_radius": 1, "subsurface_radius_scale": (1, 0.5, 0.25),
    "subsurface_scatter_anisotropy": 0, "fuzz_weight": 0, "fuzz_color": WHITE, "fuzz_roughness": 0.5,
    "coat_weight": 0, "coat_color": WHITE, "coat_roughness": 0, "coat_roughness_anisotropy": 0, "coat_ior": 1.6, "coat_darkening": 1,
    "thin_film_weight": 0, "thin_film_thickness": 0.5, "thin_film_ior": 1.4,
    "emission_luminance": 0, "emission_color": WHITE, "geometry_opacity": 1, "geometry_thin_walled": False,
}

Camera = make_dataclass("Camera", ("world", "fov_y_deg", "height_m", "near_m", "far_m"))
Film = make_dataclass("Film", ("width", "height", "samples", "seed", "filter", "filter_width_px", "max_bounces", "clamp_direct", "clamp_indirect"))
# The same radiance everywhere, or a map of height x width x 3 with row 0 on top.
Environment = make_dataclass("Environment", ("radiance", "map", "rotation_x_deg", "rotation_y_deg", "strength"))
# Shines along its -Z. `power` is the radiance of a rect, the irradiance of a directional, the intensity of others.
SIZES = ("width_m", "height_m", "half_angle_deg", "inner_cone_deg", "outer_cone_deg")
Light = make_dataclass("Light", ("kind", "world", "power", *SIZES))


class Wrong(Exception):
    """A scene or an option that cannot be used."""


class Missing(Exception):
    """A renderer that is not installed."""


class Mesh(make_dataclass("Parts", ("positions", "normals", "triangles", "material", "is_floor"))):
    """Flat where it has no normals."""

    def moved(self, world):
        """The mesh in the world. A mirroring turns its triangles over."""
        linear, triangles, normals = world[:3, :3], self.triangles, self.normals
        if normals is not None:
            normals = normals @ np.linalg.inv(linear)
            normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
        if np.linalg.det(linear) < 0:
            triangles = triangles[:, ::-1]
        return Mesh(self.positions @ linear.T + world[:3, 3], normals, triangles, self.material, self.is_floor)


class Scene(make_dataclass("Parts", (
        "name", "camera", "film", "environment", "lights", "materials", "meshes", "instance_mesh", "instance_world",
        "is_transparent", "center_m", "notes"))):
    """Instances are two arrays, the mesh of each and its place, for there may be very many."""

    def in_millimetres(self):
        """Grows the scene a thousandfold, for renderers that start rays a fixed way off a surface. The picture stays."""
        self.instance_world, self.center_m = np.diag([1e3, 1e3, 1e3, 1]) @ self.instance_world, 1e3 * self.center_m
        for thing in (self.camera, *self.lights):
            thing.world[:3, 3] *= 1e3
            thing.height_m = thing.height_m and 1e3 * thing.height_m
        self.camera.near_m, self.camera.far_m = 1e3 * self.camera.near_m, 1e3 * self.camera.far_m
        for light in self.lights:
            light.width_m *= 1e3
            if light.kind in ("point", "spot"):
                light.power = 1e6 * light.power

    def camera_around(self, turn_deg):
        """Where the camera sees the product as if that had been turned by the angle."""
        center = np.eye(4)
        center[:3, 3] = self.center_m
        return center @ about_y(-turn_deg) @ np.linalg.inv(center) @ self.camera.world


class Peer:
    """One renderer. `start` imports it and returns its version, `load` gives it the scene, `render` makes one picture."""
    name = package = install = ""
    rgba = samples_mean = None

    def build(self):
        """What comes before the first sample, as far as it can be told from it."""

    def write(self, raw, png):
        if raw:
            np.ascontiguousarray(self.rgba, "<f4").tofile(raw)
        if png:
            write_png(png, self.rgba)

    def close(self):
        """Removes what was left on the disk."""


def about_y(angle_deg):
    """A turn about the vertical axis that brings +Z towards +X."""
    turn, angle = np.eye(4), math.radians(angle_deg)
    turn[0, 0] = turn[2, 2] = math.cos(angle)
    turn[0, 2], turn[2, 0] = math.sin(angle), -math.sin(angle)
    return turn


def about_x(angle_deg):
    """A turn about the horizontal axis that brings +Y towards +Z."""
    turn, angle = np.eye(4), math.radians(angle_deg)
    turn[1, 1] = turn[2, 2] = math.cos(angle)
    turn[2, 1], turn[1, 2] = math.sin(angle), -math.sin(angle)
    return turn


def read(path, options):
    """The scene in the file, with the film as the options want it."""
    try:
        document = json.loads(Path(path).read_text())
        if document.get("schema") != SCHEMA:
            raise ValueError(f"expected the schema {SCHEMA}")
        return scene_of(document, np.fromfile(Path(path).parent / document["data"], "<u4"), options)
    except OSError as e:
        raise Wrong(f"{e.filename}: {e.strerror}") from None
    except KeyError as e:
        raise Wrong(f"{path}: {e} is missing") from None
    except (AttributeError, TypeError, ValueError, IndexError) as e:
        raise Wrong(f"{path}: {e}") from None


def scene_of(document, words, options):
    def array(place, width, kind="<f4"):
        offset, rows = place
        if offset < 0 or rows < 0 or offset + rows * width > len(words):
            raise ValueError(f"the data end before the end of the array at {offset}")
        return words[offset:offset + rows * width].view(kind).reshape(rows, width)

    def mesh_of(m):
        normals = array(m["normals"], 3) if m["normals"] else None
        mesh = Mesh(array(m["positions"], 3), normals, array(m["triangles"], 3, "<u4"), m["material"], m.get("floor", False))
        if not len(mesh.triangles) or mesh.triangles.max() >= len(mesh.positions) or normals is not None and len(normals) != len(mesh.positions):
            raise ValueError("a mesh whose triangles, positions and normals do not go together")
        if not 0 <= mesh.material < len(document["materials"]):
            raise ValueError(f"no material {mesh.material}")
        return mesh

    camera, around, given = document["camera"], document["environment"], ("samples", "seed", "width", "height")
    film = document["film"] | {key: getattr(options, key) for key in given if getattr(options, key) is not None}
    environment = Environment(np.array((around or {}).get("radiance", (0, 0, 0)), float), None, 0, 0, 1)
    if around and "map" in around:
        pixels = array(around["map"], 3 * around["width"]).reshape(-1, around["width"], 3)
        environment = Environment(np.zeros(3), pixels, around.get("rotation_x_deg", 0), around["rotation_y_deg"], around["strength"])
    meshes, instances = [mesh_of(m) for m in document["meshes"]], document["instances"]
    instance_mesh = np.array([instance["mesh"] for instance in instances], int)
    if not len(instances) or instance_mesh.min() < 0 or instance_mesh.max() >= len(meshes):
        raise ValueError("no instance, or one of a mesh that is not there")
    return Scene(
        document["name"], Camera(poses(camera["world_from_camera"])[0], camera["fov_y_deg"], camera["height_m"], *camera["clip_m"]),
        Film(**{key: film[key] for key in Film.__dataclass_fields__}), environment, [light_of(light) for light in document["lights"]],
        [{**OPENPBR, **material} for material in document["materials"]], meshes,
        instance_mesh, poses([instance["world_from_mesh"] for instance in instances]),
        document["transparent"], np.array(document.get("turntable_center_m", (0, 0, 0)), float), set(document.get("notes", ())))


def poses(columns):
    return np.array(columns, float).reshape(-1, 4, 4).transpose(0, 2, 1).copy()


def light_of(light):
    kind, world = light["kind"], np.eye(4)
    if kind == "point":
        world[:3, 3] = light["position_m"]
    elif kind == "directional":
        back = -np.array(light["direction"], float) / np.linalg.norm(light["direction"])
        right = np.cross((0, 0, 1) if abs(back[1]) > 0.9 else (0, 1, 0), back)
        right /= np.linalg.norm(right)
        world[:3, :3] = np.stack([right, np.cross(back, right), back], 1)
    elif kind in ("rect", "spot"):
        world = poses(light["world_from_light"])[0]
    else:
        raise ValueError(f"a light of kind {kind!r}")
    power = light[{"rect": "radiance", "directional": "irradiance"}.get(kind, "intensity")]
    return Light(kind, world, np.array(power, float), *(light.get(size, 0) for size in SIZES))


def left_out(material, followed):
    """Notes on the parameters that matter in the material and that the renderer does not follow."""
    silent = [group for group in ("coat", "fuzz", "subsurface", "transmission", "thin_film") if not material[group + "_weight"]]
    silent += ["emission"] * (not material["emission_luminance"])
    silent += ["transmission", "subsurface", "base_diffuse", "specular_ior"] * (material["base_metalness"] == 1)
    return {f"{key} left out" for key, default in OPENPBR.items()
            if key not in followed and not key.startswith(tuple(silent)) and not np.array_equal(material[key], default)}


def write_png(path, rgba):
    """8 bits of sRGB with straight alpha."""
    alpha = np.clip(rgba[..., 3:], 0, 1)
    linear = np.clip(np.nan_to_num(rgba[..., :3]) / np.maximum(alpha, 1e-6), 0, 1)
    stored = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    height, width = rgba.shape[:2]
    rows = np.zeros((height, 1 + 4 * width), np.uint8)  # each row begins with 0: no prediction
    rows[:, 1:] = (np.concatenate([stored, alpha], -1) * 255 + 0.5).astype(np.uint8).reshape(height, -1)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)), (b"IDAT", zlib.compress(rows.tobytes(), 3)), (b"IEND", b""))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in chunks:
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def read_options(peer):
    def whole(low, high=LARGEST):
        def number(text):
            if not low <= int(text) <= high:
                raise argparse.ArgumentTypeError(f"expected {low} to {high}")
            return int(text)
        return number

    def refuse(message):
        raise Wrong(message)

    parser = argparse.ArgumentParser(description=f"Renders a peer scene with {peer.package}.", allow_abbrev=False)
    parser.error = refuse
    parser.add_argument("scene", nargs="?", help="the JSON file that Packshot wrote")
    for key, low, high in (("samples", 1, 1 << 24), ("seed", 0, LARGEST), ("width", 1, 16384), ("height", 1, 16384)):
        parser.add_argument(f"--{key}", type=whole(low, high), help="instead of the scene's")
    parser.add_argument("--threads", type=whole(1, 1024), default=usable_threads())
    parser.add_argument("--repeat", type=whole(1), default=1, help="render so many times, each with the next seed")
    parser.add_argument("--frames", type=whole(1), help="a turntable of so many pictures; --raw and --png name folders")
    parser.add_argument("--home", type=os.path.abspath, help="the user's home folder, as far as the renderer knows")
    parser.add_argument("--raw", type=os.path.abspath, help="linear float32 RGBA, premultiplied")
    parser.add_argument("--png", type=os.path.abspath)
    parser.add_argument("--version", action="store_true")
    if hasattr(peer, "trace"):
        parser.add_argument("--rays", help="trace the rays of this file instead: float32 origin, t_min, direction, t_max")
        parser.add_argument("--query", choices=("closest", "coherent", "any"), default="closest")
    options = parser.parse_args()
    if not options.scene and not options.version:
        raise Wrong("no scene given")
    if options.frames and options.repeat > 1:
        raise Wrong("--frames and --repeat do not go together")
    return options


def usable_threads():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def bring_up(peer, options):
    # Python knows already where the user keeps packages; the renderer has yet to look for what it has kept.
    os.environ |= dict.fromkeys(KEEPING, options.home) if options.home else {}
    try:
        return peer.start(options)
    except ImportError as e:
        raise Missing(f"{peer.package} cannot be imported ({e}): {peer.install}") from None


def pictures(peer, scene, options):
    """Makes each picture and its files. The seconds of each: build, render, render_cpu, write, total."""
    for i in range(options.frames or options.repeat):
        start, files = time.perf_counter(), [options.raw, options.png]
        if options.frames:
            files = [file and os.path.join(file, f"frame_{i:04}.{kind}") for file, kind in zip(files, ("raw", "png"))]
        # A turntable keeps its seed, so that its frames differ by the turn alone.
        build, render, cpu = peer.render(*((scene.film.seed, 360 * i / options.frames) if options.frames else (scene.film.seed + i, 0)))
        rendered = time.perf_counter()
        peer.write(*files)
        end = time.perf_counter()
        yield {"build": build, "render": render, "render_cpu": cpu, "write": end - rendered, "total": end - start}


def measure(peer, options):
    """The result. With frames its seconds are those of all, and `warm` has each after the first."""
    reading, scene = time.perf_counter(), read(options.scene, options)
    for folder in (options.raw, options.png) if options.frames else ():
        os.makedirs(folder, exist_ok=True) if folder else None
    importing, version, loading = time.perf_counter(), bring_up(peer, options), time.perf_counter()
    if getattr(options, "rays", None):
        return {"renderer": peer.name, "version": version, **peer.trace(scene, options)}
    peer.load(scene)
    building = time.perf_counter()
    peer.build()
    # `start` is Python and the packages of the renderer, `import` the scene.
    seconds = {"start": reading - BEGUN + loading - importing, "import": importing - reading + building - loading}
    seconds |= {"build": time.perf_counter() - building, "render": 0, "render_cpu": 0, "write": 0}
    warm = []
    for i, took in enumerate(pictures(peer, scene, options)):
        if i == 0 or options.frames:
            seconds = {key: value + took.get(key, 0) for key, value in seconds.items()} | {"total": time.perf_counter() - BEGUN}
        if i > 0:
            warm.append({key: round(took[key], 6) for key in ("render", "write", "total")})
    film, frames = scene.film, {"frames": options.frames} if options.frames else {}
    return {
        "renderer": peer.name, "version": version, "shot": scene.name, "width": film.width, "height": film.height,
        "samples_max": film.samples, "samples_mean": peer.samples_mean or film.samples, "seed": film.seed, "threads": options.threads,
        "seconds": {key: round(value, 6) for key, value in seconds.items()}, "warm": warm, **frames, "notes": sorted(scene.notes)}


def run(peer):
    """The whole program. Stdout is for the result: what the renderers print goes to stderr."""
    result, code = os.fdopen(os.dup(1), "w"), 0
    os.dup2(2, 1)
    try:
        options = read_options(peer)
        print(bring_up(peer, options) if options.version else json.dumps(measure(peer, options)), file=result)
    except SystemExit:  # --help
        pass
    except BaseException as e:
        code, kind = {Wrong: (2, ""), Missing: (3, "")}.get(type(e), (1, f"{type(e).__name__}: "))
        print(f"{peer.name}: {kind}{' '.join(str(e).split())}", file=sys.stderr)
    peer.close()
    for stream in (result, sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # threads of LuxCore would outlive the interpreter
