"""A peer: Mitsuba 3, compiled by LLVM. (Called mitsuba.py, this file would be found in place of the package.)

Mitsuba starts rays about 1e-4 of their distance from the origin off a surface, and never less than of one unit: so it gets millimetres.
"""
import scene as peers
import glob
import os
import time

import numpy as np

INSTALL = "pip install mitsuba==3.9.1, and LLVM 17 or newer (Debian: libllvm19)"
SAMPLES_AT_ONCE = 256
# Each instance is compiled anew, which takes 0.05 s: copies are better while they fit, and beyond them code that is not
# compiled.
MANY_TRIANGLES, MANY_INSTANCES = 20_000_000, 200
LOOKS_ALONG_Z = np.diag([-1.0, 1.0, -1.0, 1.0])  # a scene's cameras and lights look along -Z
FOLLOWED = {"base_weight", "base_color", "base_metalness", "specular_weight", "specular_color", "specular_roughness", "specular_ior",
            "transmission_weight", "transmission_color", "coat_weight", "coat_roughness", "emission_luminance", "emission_color", "geometry_opacity"}


class Mitsuba(peers.Peer):
    name, package, install = "mitsuba", "mitsuba", INSTALL

    def start(self, options):
        global mi, dr
        self.is_compiled = find_llvm()
        import drjit as dr
        import mitsuba as mi
        mi.set_variant("llvm_ad_rgb" if self.is_compiled else "scalar_rgb")
        mi.set_log_level(mi.LogLevel.Error)
        dr.set_thread_count(options.threads)
        dr.set_flag(dr.JitFlag.KernelHistory, True)
        return mi.__version__

    def load(self, scene):
        scene.in_millimetres()
        scene.notes |= set() if self.is_compiled else {"no LLVM from 17 on was found: scalar_rgb, which is slow"}
        self.scene = scene
        # Opaque rectangles can stand in for what shines behind them only where that is the same everywhere.
        sees_through = scene.environment.map is not None and any(light.kind == "rect" for light in scene.lights)
        shares = sum(len(scene.meshes[i].triangles) for i in scene.instance_mesh) > MANY_TRIANGLES
        if self.is_compiled and shares and len(scene.instance_mesh) > MANY_INSTANCES:
            self.is_compiled = False
            mi.set_variant("scalar_rgb")
            scene.notes.add("so many instances: scalar_rgb, which is slow")
        hides = scene.is_transparent and (self.is_compiled or not shares)
        # Instances and hidden emitters together crash scalar_rgb.
        scene.notes |= {"the camera sees the environment and the lights"} if scene.is_transparent and not hides else set()
        bounces, tracer = scene.film.max_bounces, "volpath" if sees_through else "path"
        self.parts = {"type": "scene", "sensor": sensor(scene), **shapes(scene, shares), **lights(scene, sees_through),
                      "integrator": {"type": tracer, "max_depth": bounces["total"] + 2, "hide_emitters": hides}}
        left = [key for key in ("clamp_direct", "clamp_indirect") if getattr(scene.film, key)]
        scene.notes |= {f"{key} left out" for key in left + [f"max_bounces: {kind}" for kind in bounces if bounces[kind] < bounces["total"]]}

    def build(self):
        self.built = mi.load_dict(self.parts)
        dr.sync_thread()

    def render(self, seed, turn_deg):
        film, start = self.scene.film, time.perf_counter()
        # To turn the camera takes less time than to turn the product, whose tree would have to be built again.
        placed = mi.traverse(self.built.sensors()[0])
        placed["to_world"] = mi.Transform4f(camera_pose(self.scene, turn_deg).tolist())
        placed.update()
        dr.sync_thread()
        dr.kernel_history_clear()
        begun, cpu = time.perf_counter(), time.process_time()
        total, drawn, at_once = 0, 0, min(SAMPLES_AT_ONCE, max(1, (2**32 - 1) // (film.width * film.height)))
        while drawn < film.samples:
            picture = mi.render(self.built, spp=min(at_once, film.samples - drawn), seed=(seed * 65536 + drawn) % 2**32)
            made = self.built.sensors()[0].sampler().sample_count()  # maybe more, so that they make a rectangle
            total, drawn = total + made * np.array(picture, np.float32), drawn + made
        compiling = sum(kernel.get("codegen_time", 0) + kernel.get("backend_time", 0) for kernel in dr.kernel_history()) / 1e3
        seconds = begun - start + compiling, time.perf_counter() - begun - compiling, max(0, time.process_time() - cpu - compiling)
        self.rgba, self.samples_mean = total.reshape(film.height, film.width, 4) / drawn, drawn
        return seconds

    def trace(self, scene, options):
        """Seconds to trace the rays of a file, which stay in arrays on the device. Kernels are compiled before."""
        if not self.is_compiled:
            raise RuntimeError("rays are traced by compiled code alone: " + INSTALL)
        try:
            origin, t_min, direction, t_max = np.split(np.fromfile(options.rays, "<f4").reshape(-1, 8).T.astype(float), (3, 4, 7))
        except (OSError, ValueError) as e:
            raise peers.Wrong(f"{options.rays}: {e}") from None
        # Mitsuba knows no t_min.
        ray, seconds = mi.Ray3f(mi.Point3f(origin + t_min * direction), mi.Vector3f(direction)), []
        ray.maxt = mi.Float(np.minimum(t_max - t_min, np.finfo(np.float32).max)[0])
        built = mi.load_dict({"type": "scene", **shapes(scene, True, has_materials=False)})
        dr.eval(ray)
        for _ in range(6):
            dr.sync_thread()
            start = time.perf_counter()
            # Rays of a camera are nearly equal to their neighbours, and said to be so: Mitsuba does it too.
            is_coherent = options.query == "coherent"
            found = built.ray_test(ray) if options.query == "any" else built.ray_intersect_preliminary(ray, coherent=is_coherent).t
            dr.eval(found)
            dr.sync_thread()
            seconds.append(round(time.perf_counter() - start, 6))
        hits = np.array(found) if options.query == "any" else np.isfinite(np.array(found))
        return {"rays": hits.size, "seconds": seconds[1:], "hits": int(hits.sum())}


def find_llvm():
    """Whether there is an LLVM that Mitsuba can use. Dr.Jit reads the variable when it starts."""
    paths = glob.glob("/usr/lib/*/libLLVM.so.*") + glob.glob("/usr/lib/llvm-*/lib/libLLVM.so.*")
    majors = [(path.partition(".so.")[2].partition(".")[0], path) for path in paths]
    usable = [(int(major), path) for major, path in majors if major.isdigit() and int(major) >= 17]
    os.environ |= {"DRJIT_LIBLLVM_PATH": max(usable)[1]} if usable and "DRJIT_LIBLLVM_PATH" not in os.environ else {}
    return "DRJIT_LIBLLVM_PATH" in os.environ


def transform(world):
    return mi.ScalarTransform4f(world.tolist())


def rgb(values):
    return {"type": "rgb", "value": [float(value) for value in values]}


def shapes(scene, shares, has_materials=True):
    """What is of one material is one mesh in the world. Where meshes are shared, those that are used more than once are placed by instances."""
    made = [mi.load_dict(bsdf(m, scene.notes)) if has_materials else None for m in scene.materials]
    used, parts, together = np.bincount(scene.instance_mesh), {}, {}
    for i, (which, world) in enumerate(zip(scene.instance_mesh.tolist(), scene.instance_world)):
        m = scene.meshes[which]
        if shares and used[which] > 1:
            if f"group{which}" not in parts:
                parts[f"group{which}"] = {"type": "shapegroup", "mesh": mesh([m], made[m.material], None)}
            parts[f"instance{i}"] = {"type": "instance", "to_world": transform(world), "group": {"type": "ref", "id": f"group{which}"}}
        else:
            together.setdefault((m.material, m.normals is None), []).append(m.moved(world))
    for i, ((material, _), meshes) in enumerate(together.items()):
        parts[f"mesh{i}"] = mesh(meshes, made[material], emission(scene.materials[material], scene) if has_materials else None)
    return parts


def mesh(meshes, material, glow):
    properties, is_smooth = mi.Properties(), meshes[0].normals is not None
    for name, part in (("bsdf", material), ("emitter", glow), ("face_normals", not is_smooth)):
        if part is not None:
            properties[name] = part
    starts = np.cumsum([0] + [len(m.positions) for m in meshes])
    triangles = np.concatenate([m.triangles + start for m, start in zip(meshes, starts)])
    made = mi.Mesh("mesh", int(starts[-1]), len(triangles), has_vertex_normals=is_smooth, props=properties)
    arrays = mi.traverse(made)
    arrays["faces"] = triangles.astype(np.uint32).ravel()
    arrays["vertex_positions"] = np.concatenate([m.positions for m in meshes]).astype(np.float32).ravel()
    if is_smooth:
        arrays["vertex_normals"] = np.concatenate([m.normals for m in meshes]).astype(np.float32).ravel()
    arrays.update()
    return made


def emission(m, scene):
    if m["emission_luminance"] and scene.is_transparent:
        scene.notes.add("emission left out: with a transparent background Mitsuba hides what shines")
    elif m["emission_luminance"]:
        return mi.load_dict({"type": "area", "radiance": rgb(m["emission_luminance"] * np.array(m["emission_color"]))})


def bsdf(m, notes):
    """A material of OpenPBR: metal, glass and an opaque rest in their shares, seen through where it is not opaque."""
    metal, clear, made, total = m["base_metalness"], m["transmission_weight"], None, 0
    for share, kind in ((metal, metal_bsdf), ((1 - metal) * clear, glass_bsdf), ((1 - metal) * (1 - clear), opaque_bsdf)):
        if share > 0:
            part, total = kind(m, m["specular_roughness"] ** 2, notes), total + share
            made = {"type": "blendbsdf", "weight": share / total, "a": made, "b": part} if made else part
    if m["geometry_opacity"] < 1:
        made = {"type": "mask", "opacity": float(m["geometry_opacity"]), "bsdf": made}
    notes |= peers.left_out(m, FOLLOWED)
    return made


def smooth_or_rough(kind, alpha, **more):
    return {"type": kind, **more} if alpha <= 1e-3 else {"type": "rough" + kind, "distribution": "ggx", "alpha": alpha, **more}


def metal_bsdf(m, alpha, notes):
    f0 = m["base_weight"] * np.array(m["base_color"])
    if m["coat_weight"]:
        notes.add("coats: those of principled")
        return principled(m, f0, 1)
    notes.add("metals: index and absorption fitted to the F82 tint, rough ones without light scattered twice")
    eta, k = index_and_absorption(np.clip(f0, 1e-4, 0.9999), np.array(m["specular_color"]))
    weight = rgb([m["specular_weight"]] * 3)
    return {"type": "twosided", "bsdf": smooth_or_rough("conductor", alpha, eta=rgb(eta), k=rgb(k), specular_reflectance=weight)}


def index_and_absorption(f0, tint):
    """Of each channel, those that reflect f0 straight on and come nearest to the curve of the F82 tint elsewhere.

    One number goes from the least to the greatest index that can reflect f0: Gulbrandsen's edge tint.
    """
    cosine, edge = np.cos(np.radians(np.arange(1, 90, 2))), (1 - 1 / 7) ** 5
    dip = (f0 + (1 - f0) * edge) * (1 - tint) / (edge * (1 - 1 / 7) / 7)
    wanted = f0 + (1 - f0) * (1 - cosine[:, None]) ** 5 - dip * cosine[:, None] * (1 - cosine[:, None]) ** 6
    between = np.linspace(0, 1, 1001)[:, None] ** 2
    eta = between * (1 - f0) / (1 + f0) + (1 - between) * (1 + np.sqrt(f0)) / (1 - np.sqrt(f0))
    k = np.sqrt(np.maximum((f0 * (eta + 1) ** 2 - (eta - 1) ** 2) / (1 - f0), 0))
    index, c = (eta + 1j * k)[:, None], cosine[None, :, None]
    inside = np.sqrt(1 - (1 - c * c) / index ** 2)
    error = (abs((c - index * inside) / (c + index * inside)) ** 2 + abs((index * c - inside) / (index * c + inside)) ** 2) / 2 - wanted
    # As much as a sphere shows of each angle.
    best = (error ** 2 * np.sqrt(cosine ** 2 - cosine ** 4)[:, None]).sum(1).argmin(0)
    return eta[best, range(3)], k[best, range(3)]


def glass_bsdf(m, alpha, _):
    return smooth_or_rough("dielectric", alpha, int_ior=float(m["specular_ior"]), ext_ior=1.0, specular_transmittance=rgb(m["transmission_color"]))


def opaque_bsdf(m, alpha, notes):
    base, reflected = m["base_weight"] * np.array(m["base_color"]), m["specular_weight"] * ((m["specular_ior"] - 1) / (m["specular_ior"] + 1)) ** 2
    if not m["coat_weight"] and reflected < 1e-6:
        return {"type": "twosided", "bsdf": {"type": "diffuse", "reflectance": rgb(base)}}
    notes |= {"opaque dielectrics: principled, whose base is not Lambert's", *(["coats: those of principled"] if m["coat_weight"] else [])}
    return principled(m, base, 0, max(reflected, 1e-6))


def principled(m, base, metallic, reflected=0.04):
    root = min(reflected, 0.9) ** 0.5
    return {"type": "twosided", "bsdf": {
        "type": "principled", "base_color": rgb(base), "metallic": float(metallic), "roughness": float(m["specular_roughness"]),
        "eta": (1 + root) / (1 - root), "clearcoat": float(m["coat_weight"]), "clearcoat_gloss": 1 - float(m["coat_roughness"])}}


def lights(scene, sees_through):
    environment, made = scene.environment, {}
    if environment.radiance.any():
        made["environment"] = {"type": "constant", "radiance": rgb(environment.radiance)}
    if environment.map is not None:
        # Local +Z looks at the middle of Mitsuba's map, +X at that of a scene's.
        made["environment"] = {"type": "envmap", "bitmap": mi.Bitmap(from_pole_to_pole(environment.map)), "scale": float(environment.strength),
                               "to_world": transform(peers.about_y(environment.rotation_y_deg) @ peers.about_x(environment.rotation_x_deg) @ peers.about_y(90))}
    for i, light in enumerate(scene.lights):
        if light.kind == "rect":
            made |= rectangle(f"light{i}", light, scene, sees_through)
        elif light.kind == "directional":
            made[f"light{i}"] = {"type": "directional", "direction": (-light.world[:3, 2]).tolist(), "irradiance": rgb(light.power)}
            scene.notes |= {"half_angle_deg left out"} if light.half_angle_deg else set()
        elif light.kind == "point":
            made[f"light{i}"] = {"type": "point", "position": light.world[:3, 3].tolist(), "intensity": rgb(light.power)}
        else:
            made[f"light{i}"] = {"type": "spot", "to_world": transform(light.world @ LOOKS_ALONG_Z), "intensity": rgb(light.power),
                                 "beam_width": float(light.inner_cone_deg), "cutoff_angle": float(light.outer_cone_deg)}
            scene.notes.add("spot lights: the edge fades along another curve")
    return made


def from_pole_to_pole(pixels):
    """Mitsuba's first and last rows lie on the poles, a scene's half a row away. Twice the rows, with means in between, have a place for all."""
    above_and_below = np.concatenate([pixels[:1], pixels, pixels[-1:]])
    rows = np.empty((2 * len(pixels) + 1, *pixels.shape[1:]), np.float32)
    rows[1::2], rows[::2] = pixels, (above_and_below[1:] + above_and_below[:-1]) / 2
    return rows


def rectangle(name, light, scene, sees_through):
    """A light that hides nothing. Where it has to be opaque, each of its sides shines as what is behind it does."""
    scene.notes |= set() if scene.is_transparent else {"rect lights are seen by the camera"}
    world, behind = light.world @ np.diag([light.width_m / 2, light.height_m / 2, 1, 1]), scene.environment.radiance
    black = {"type": "diffuse", "reflectance": rgb((0, 0, 0))}

    def side(place, radiance, material):
        return {"type": "rectangle", "to_world": transform(place), "bsdf": material, "emitter": {"type": "area", "radiance": rgb(radiance)}}

    if sees_through:
        return {name: side(world @ LOOKS_ALONG_Z, light.power, {"type": "null"})}
    made = {name: side(world @ LOOKS_ALONG_Z, light.power + behind, black)}
    if behind.any() and reaches_behind(light, scene):
        world[:3, 3] += 1e-4 * max(light.width_m, light.height_m) * light.world[:3, 2]
        made[name + "_back"] = side(world, behind, black)
    return made


def reaches_behind(light, scene):  # by the boxes of instances
    middle, half = (np.array([(m.positions.max(0) + sign * m.positions.min(0)) / 2 for m in scene.meshes])[scene.instance_mesh] for sign in (1, -1))
    depth = (np.linalg.inv(light.world) @ scene.instance_world)[:, 2]
    return ((depth[:, :3] * middle).sum(1) + depth[:, 3] + (abs(depth[:, :3]) * half).sum(1)).max() > 0


def camera_pose(scene, turn_deg):  # orthographic cameras see 2 units across
    half = scene.camera.height_m / 2 * scene.film.width / scene.film.height if scene.camera.height_m else 1
    return scene.camera_around(turn_deg) @ LOOKS_ALONG_Z @ np.diag([half, half, 1, 1])


def sensor(scene):
    camera, film = scene.camera, scene.film
    window = {"type": "box"}
    if film.filter != "box":  # a Gaussian of the same standard deviation
        window = {"type": "gaussian", "stddev": 0.277 * film.filter_width_px}
        scene.notes.add("a Gaussian filter stands in for Blackman-Harris")
    kind = {"type": "perspective", "fov": float(camera.fov_y_deg), "fov_axis": "y"} if camera.fov_y_deg else {"type": "orthographic"}
    picture = {"type": "hdrfilm", "width": film.width, "height": film.height, "pixel_format": "rgba", "component_format": "float32"}
    return {**kind, "to_world": transform(camera_pose(scene, 0)), "near_clip": float(camera.near_m), "far_clip": float(camera.far_m),
            "film": {**picture, "rfilter": window}, "sampler": {"type": "multijitter", "sample_count": 1}}


if __name__ == "__main__":
    peers.run(Mitsuba())
