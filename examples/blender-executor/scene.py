"""A shot drawn by Blender's Cycles: docs/shot.md as a Blender scene, and the picture as a PNG.

Both have metres, radiance and linear Rec.709. The world of a shot is Y up, Blender's Z up; cameras and lights look along their -Z in both.
"""
import math

import bpy
import numpy as np
from mathutils import Matrix, Vector

from openpbr import shader
from product import PLACEHOLDER

BLENDER_FROM_SHOT = Matrix.Rotation(math.radians(90), 4, "X")
VIEWS = {"raw": "Raw", "standard": "Standard", "khronos_neutral": "Khronos PBR Neutral"}
LIGHTS = {"rect": "AREA", "point": "POINT", "spot": "SPOT", "directional": "SUN"}


def draw(shot, files, output, bit_depth, time_max_s):
    """Draws the shot. `files` are the paths of the GLB and of the environment map, if there is one."""
    glb, environment = files
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(glb))
    made = {name: shader(name, openpbr) for name, openpbr in shot["materials"].items()}
    put_on(list(made.values()), shot["geometry"].get("smooth_deg"))
    floor, background = shot["floor"], shot["background"]
    if floor:
        add_floor(floor, made)
    for light in shot["lights"]:
        add_light(light)
    set_world(shot["environment"], environment)
    set_camera(shot["camera"])
    set_film(shot["film"], time_max_s)
    set_view(shot["view"])
    bpy.context.scene.render.film_transparent = background["kind"] != "environment"
    bpy.ops.render.render()
    save(bpy.data.images["Render Result"], output, bit_depth)
    if floor and floor["shadow_catcher"] or background["kind"] == "color":
        finish(output, bit_depth, floor and floor["shadow_catcher"], background.get("srgb"))


def pose(columns):
    return BLENDER_FROM_SHOT @ Matrix((columns[:4], columns[4:8], columns[8:12], columns[12:])).transposed()


def add(name, data, world):
    thing = bpy.data.objects.new(name, data)
    thing.matrix_world = world
    bpy.context.scene.collection.objects.link(thing)
    return thing


def put_on(made, smooth_deg):
    for mesh in bpy.data.meshes:
        for slot, material in enumerate(mesh.materials):
            if material and material.name.startswith(PLACEHOLDER):
                # Blender may have added a suffix.
                mesh.materials[slot] = made[int(material.name.removeprefix(PLACEHOLDER).partition(".")[0])]
        if smooth_deg and not mesh.has_custom_normals:
            mesh.shade_smooth()
            mesh.set_sharp_from_angle(angle=math.radians(smooth_deg))


def add_floor(floor, made):
    """A square or, with a sweep, one that rises to a wall behind the product: strips between lines across it, from its near edge on."""
    half_m, sweep = floor["size_m"] / 2, floor.get("sweep")
    azimuth, places = 0, [(half_m, 0), (-half_m, 0)]
    if sweep:
        azimuth, radius_m, distance_m = math.radians(sweep["azimuth_deg"]), sweep["radius_m"], sweep["distance_m"]
        turns = np.linspace(0, math.pi / 2, 65)
        arc = zip(radius_m * (1 - np.sin(turns)) - distance_m, radius_m * (1 - np.cos(turns)))
        places = [(half_m, 0), *arc, (-distance_m, sweep["height_m"])]
    towards, right = Vector((math.sin(azimuth), 0, math.cos(azimuth))), Vector((math.cos(azimuth), 0, -math.sin(azimuth)))
    x_m, z_m = floor.get("center_m", (0, 0))
    vertices = [Vector((x_m, floor["y_m"], z_m)) + towards * along + Vector((0, up, 0)) + right * side
                for along, up in places for side in (-half_m, half_m)]
    mesh = bpy.data.meshes.new("floor")
    mesh.from_pydata(vertices, [], [(i, i + 1, i + 3, i + 2) for i in range(0, len(vertices) - 2, 2)])
    mesh.shade_smooth()
    ground = floor["material"]
    mesh.materials.append(made[ground] if isinstance(ground, str) else shader(ground["name"], ground["openpbr"]))
    add("floor", mesh, BLENDER_FROM_SHOT).is_shadow_catcher = floor["shadow_catcher"]


def add_light(light):
    kind = LIGHTS[light["kind"]]
    data = bpy.data.lights.new("shot", kind)
    # Blender's watts are those of a Lambert emitter, or of a point that shines everywhere as it does along its axis.
    if kind == "AREA":
        power, watts, world = light["radiance"], math.pi * light["width_m"] * light["height_m"], pose(light["world_from_light"])
        data.shape, data.size, data.size_y = "RECTANGLE", light["width_m"], light["height_m"]
    elif kind == "SUN":
        power, watts, data.angle = light["irradiance"], 1, math.radians(2 * light.get("half_angle_deg", 0))
        world = BLENDER_FROM_SHOT @ Vector(light["direction"]).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    else:
        power, watts, data.shadow_soft_size = light["intensity"], 4 * math.pi, 0
        world = BLENDER_FROM_SHOT @ Matrix.Translation(light["position_m"]) if kind == "POINT" else pose(light["world_from_light"])
    if kind == "SPOT":
        inner_deg, outer_deg = light["inner_cone_deg"], light["outer_cone_deg"]
        # Blender fades smoothly only; `squared` begins and ends at the same angles.
        inner, outer = (math.cos(math.radians(angle_deg)) for angle_deg in (inner_deg, outer_deg))
        data.spot_blend = 1 - inner_deg / outer_deg if light["falloff"] == "smooth" else (inner - outer) / (1 - outer)
        data.spot_size = math.radians(2 * outer_deg)
    peak = max(power)
    data.energy, data.color = peak * watts, [channel / peak if peak else 0 for channel in power]
    add("shot", data, world).visible_camera = False


def set_world(environment, path):
    world = bpy.context.scene.world = bpy.data.worlds.new("shot")
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    background, output = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeOutputWorld")
    links.new(background.outputs[0], output.inputs[0])
    background.inputs["Color"].default_value = (*environment.get("radiance", (0, 0, 0)), 1)
    background.inputs["Strength"].default_value = environment.get("strength", 1)
    if environment["kind"] != "latlong":
        return
    kinds = ("TexEnvironment", "Mapping", "Mapping", "TexCoord")
    image, tilt, turn, direction = (nodes.new(f"ShaderNode{kind}") for kind in kinds)
    image.image = bpy.data.images.load(str(path))
    image.image.colorspace_settings.name = "Linear Rec.709"
    # The map turns one way, the directions that are looked up in it the other.
    turn.inputs["Rotation"].default_value = (0, 0, -math.radians(environment["rotation_y_deg"]))
    tilt.inputs["Rotation"].default_value = (-math.radians(environment.get("rotation_x_deg", 0)), 0, 0)
    links.new(direction.outputs["Generated"], turn.inputs["Vector"])
    links.new(turn.outputs["Vector"], tilt.inputs["Vector"])
    links.new(tilt.outputs["Vector"], image.inputs["Vector"])
    links.new(image.outputs["Color"], background.inputs["Color"])


def set_camera(camera):
    data = bpy.data.cameras.new("shot")
    data.sensor_fit, data.clip_start, data.clip_end = "VERTICAL", camera["clip_near_m"], camera["clip_far_m"]
    if camera["type"] == "orthographic":
        data.type, data.ortho_scale = "ORTHO", camera["height_m"]
    else:
        data.lens = data.sensor_height / (2 * math.tan(math.radians(camera["fov_y_deg"]) / 2))
    if aperture := camera.get("aperture"):
        data.dof.use_dof, data.dof.focus_distance = True, aperture["focus_depth_m"]
        data.dof.aperture_fstop = data.lens / 1000 / (2 * aperture["radius_m"])
    bpy.context.scene.camera = add("shot", data, pose(camera["world_from_camera"]))


def set_film(film, time_max_s):
    """Everything that a new Blender file decides otherwise than a shot is set, too."""
    render, cycles, bounces = bpy.context.scene.render, bpy.context.scene.cycles, film["max_bounces"]
    render.engine, cycles.device = "CYCLES", "CPU"
    render.resolution_x, render.resolution_y, render.resolution_percentage = film["width"], film["height"], 100
    render.use_compositing = render.use_sequencer = False
    render.dither_intensity = cycles.blur_glossy = cycles.light_sampling_threshold = 0
    cycles.samples, cycles.seed, cycles.time_limit = film["samples"], film["seed"], time_max_s
    cycles.use_adaptive_sampling, cycles.adaptive_threshold = film["noise_threshold"] > 0, film["noise_threshold"]
    cycles.use_denoising = film["denoise"]
    cycles.pixel_filter_type, cycles.filter_width = film["filter"].upper(), film["filter_width_px"]
    cycles.max_bounces, cycles.transparent_max_bounces = bounces["total"], 64
    cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = (bounces[kind] for kind in ("diffuse", "glossy", "transmission"))
    cycles.sample_clamp_direct, cycles.sample_clamp_indirect = film["clamp_direct"], film["clamp_indirect"]


def set_view(view):
    settings, word = bpy.context.scene.view_settings, view["transform"]
    settings.view_transform = VIEWS.get(word, "AgX")
    # The looks of AgX: `agx_very_high_contrast` is "AgX - Very High Contrast".
    settings.look = "None" if word == "agx" or word in VIEWS else "AgX - " + word.removeprefix("agx_").replace("_", " ").title()
    settings.exposure = view["exposure_ev"]


def save(image, path, bit_depth):
    settings = bpy.context.scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGBA", str(bit_depth)
    image.save_render(str(path), scene=bpy.context.scene)


def finish(path, bit_depth, catches, srgb):
    """What Packshot does in stored values: shadows that are right when laid over other pictures, and the colour of the background."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    color, alpha = pixels.reshape(-1, 4)[:, :3], pixels.reshape(-1, 4)[:, 3:]
    if catches:
        # Black is where the catcher takes light away: its alpha is of linear light.
        left = np.where(alpha >= 0.9968692, 12.92 * (1 - alpha), 1.055 * np.maximum(1 - alpha, 1e-9) ** (1 / 2.4) - 0.055)
        np.copyto(alpha, 1 - left, where=color.max(1, keepdims=True) == 0)
    if srgb:
        color[:] = color * alpha + np.float32(srgb) * (1 - alpha)
        alpha[:] = 1
    else:
        # What is saved is taken to be multiplied by alpha, and a PNG is not.
        color *= alpha
    finished = bpy.data.images.new("finished", *image.size, alpha=True, float_buffer=True, is_data=True)
    finished.pixels.foreach_set(pixels)
    set_view({"transform": "raw", "exposure_ev": 0})
    save(finished, path, bit_depth)
