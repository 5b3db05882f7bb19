"""A peer: Blender's Cycles, in the process, through the bpy wheel.

Both have metres, radiance and linear Rec.709. The world of a scene is Y up, Blender's Z up; cameras and lights look along their -Z in both.
"""
import scene as peers
import math
import os
import sys
import tempfile
import time

import numpy as np

LIGHTS = {"rect": "AREA", "point": "POINT", "spot": "SPOT", "directional": "SUN"}
FOLLOWED = {
    "base_weight", "base_color", "base_diffuse_roughness", "base_metalness",
    "specular_weight", "specular_color", "specular_roughness", "specular_ior",
    "transmission_weight", "transmission_color", "coat_weight", "coat_color", "coat_roughness", "coat_ior", "coat_darkening",
    "fuzz_weight", "fuzz_color", "fuzz_roughness", "emission_luminance", "emission_color", "geometry_opacity"}


class Cycles(peers.Peer):
    name, package, install = "cycles", "bpy", "pip install bpy==5.0.1 (Python 3.11)"

    def start(self, options):
        global bpy, Matrix, Vector, BLENDER_FROM_SCENE, shader
        # Cycles is an add-on of the name of this very file, which must not be found before it.
        folder = sys.path.pop(0)
        import bpy
        from mathutils import Matrix, Vector
        sys.path.insert(0, folder)
        from openpbr import shader
        sys.path.pop(0)
        BLENDER_FROM_SCENE = Matrix.Rotation(math.radians(90), 4, "X")
        self.threads, self.is_persistent = options.threads, bool(options.frames) or options.repeat > 1
        return bpy.app.version_string

    def load(self, scene):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.product = bpy.data.objects.new("product", None)
        bpy.context.scene.collection.objects.link(self.product)
        self.upright = BLENDER_FROM_SCENE @ Matrix.Translation(scene.center_m)
        shaders = [shader(f"material {i}", material) for i, material in enumerate(scene.materials)]
        add_instances(scene, [mesh(m, shaders) for m in scene.meshes], self.product)
        for light in scene.lights:
            add_light(light)
        set_world(scene.environment)
        set_camera(scene.camera)
        set_film(scene.film, scene.is_transparent, self.threads, self.is_persistent)
        for material in scene.materials:
            scene.notes |= peers.left_out(material, FOLLOWED)
        scene.notes |= {"spot lights: the edge fades along another curve" for light in scene.lights if light.kind == "spot"}
        bpy.app.handlers.render_stats.append(self.watch)

    def watch(self, status, _=None):
        """Cycles tells where it is: building ends where it first speaks of a sample."""
        if not self.first_sample and "Sample " in status:
            self.first_sample = time.perf_counter(), time.process_time()

    def render(self, seed, turn_deg):
        bpy.context.scene.cycles.seed = seed % 2**31
        self.product.matrix_world = self.upright @ Matrix.Rotation(math.radians(turn_deg), 4, "Y")
        self.first_sample, start = None, (time.perf_counter(), time.process_time())
        bpy.ops.render.render()
        end = time.perf_counter(), time.process_time()
        sampling = self.first_sample or start
        return sampling[0] - start[0], end[0] - sampling[0], end[1] - sampling[1]

    def write(self, raw, png):
        if raw:
            self.write_raw(raw)
        if png:
            save(png, "PNG", "8")

    def write_raw(self, path):
        """The result of a render gives its pixels to files alone."""
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "picture.exr")
            save(file, "OPEN_EXR", "32")
            image = bpy.data.images.load(file)
            image.colorspace_settings.name, image.alpha_mode = "Non-Color", "PREMUL"
            width, height = image.size
            pixels = np.empty(4 * width * height, np.float32)
            image.pixels.foreach_get(pixels)
            bpy.data.images.remove(image)
        pixels.reshape(height, -1)[::-1].tofile(path)


def pose(world):
    return BLENDER_FROM_SCENE @ Matrix(world.tolist())


def add(name, data, world):
    thing = bpy.data.objects.new(name, data)
    thing.matrix_world = world
    bpy.context.scene.collection.objects.link(thing)
    return thing


def mesh(m, shaders):
    made, count = bpy.data.meshes.new("mesh"), len(m.triangles)
    made.vertices.add(len(m.positions))
    made.vertices.foreach_set("co", m.positions.ravel())
    made.loops.add(3 * count)
    made.loops.foreach_set("vertex_index", m.triangles.ravel().view(np.int32))
    made.polygons.add(count)
    made.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, np.int32))
    made.update()
    if m.normals is None:
        made.shade_flat()
    else:
        # Blender's own function for this rounds normals to 16 bits.
        made.attributes.new("custom_normal", "FLOAT_VECTOR", "POINT").data.foreach_set("vector", m.normals.ravel())
    made.materials.append(shaders[m.material])
    return made


def add_instances(scene, meshes, product):
    """One object each. What turns on a turntable hangs on the empty, by the matrix in between, which may shear as well."""
    collection, from_center = bpy.context.scene.collection.objects, scene.instance_world.copy()
    from_center[:, :3, 3] -= scene.center_m
    for i, world, local in zip(scene.instance_mesh.tolist(), scene.instance_world, from_center):
        thing = bpy.data.objects.new("instance", meshes[i])
        if scene.meshes[i].is_floor:
            thing.matrix_world = pose(world)
        else:
            thing.parent, thing.matrix_parent_inverse = product, Matrix(local.tolist())
        collection.link(thing)


def add_light(light):
    kind = LIGHTS[light.kind]
    data = bpy.data.lights.new("light", kind)
    # Blender's watts are those of a Lambert emitter, or of a point that shines everywhere as it does along its axis.
    if kind == "AREA":
        watts = math.pi * light.width_m * light.height_m
        data.shape, data.size, data.size_y = "RECTANGLE", light.width_m, light.height_m
    elif kind == "SUN":
        watts, data.angle = 1, math.radians(2 * light.half_angle_deg)
    else:
        watts, data.shadow_soft_size = 4 * math.pi, 0
    if kind == "SPOT":
        inner, outer = (math.cos(math.radians(angle_deg)) for angle_deg in (light.inner_cone_deg, light.outer_cone_deg))
        data.spot_size, data.spot_blend = math.radians(2 * light.outer_cone_deg), (inner - outer) / (1 - outer)
    peak = light.power.max()
    data.energy, data.color = peak * watts, light.power / peak if peak else (0, 0, 0)
    add("light", data, pose(light.world)).visible_camera = False


def set_world(environment):
    world = bpy.context.scene.world = bpy.data.worlds.new("world")
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    background, output = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeOutputWorld")
    links.new(background.outputs[0], output.inputs[0])
    background.inputs["Color"].default_value = (*environment.radiance, 1)
    background.inputs["Strength"].default_value = environment.strength
    if environment.map is None:
        return
    height, width, _ = environment.map.shape
    kinds = ("TexEnvironment", "Mapping", "Mapping", "TexCoord")
    texture, tilt, turn, direction = (nodes.new(f"ShaderNode{kind}") for kind in kinds)
    texture.image = bpy.data.images.new("map", width, height, float_buffer=True)
    texture.image.colorspace_settings.name = "Linear Rec.709"
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = environment.map[::-1]
    texture.image.pixels.foreach_set(pixels.ravel())
    # The map turns one way, the directions that are looked up in it the other.
    turn.inputs["Rotation"].default_value = (0, 0, -math.radians(environment.rotation_y_deg))
    tilt.inputs["Rotation"].default_value = (-math.radians(environment.rotation_x_deg), 0, 0)
    links.new(direction.outputs["Generated"], turn.inputs["Vector"])
    links.new(turn.outputs["Vector"], tilt.inputs["Vector"])
    links.new(tilt.outputs["Vector"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], background.inputs["Color"])


def set_camera(camera):
    data = bpy.data.cameras.new("camera")
    data.sensor_fit, data.clip_start, data.clip_end = "VERTICAL", camera.near_m, camera.far_m
    if camera.fov_y_deg is None:
        data.type, data.ortho_scale = "ORTHO", camera.height_m
    else:
        data.lens = data.sensor_height / (2 * math.tan(math.radians(camera.fov_y_deg) / 2))
    bpy.context.scene.camera = add("camera", data, pose(camera.world))


def set_film(film, is_transparent, threads, is_persistent):
    """Everything that a new Blender file decides otherwise is set, too. Persistent data spare later pictures what has not changed."""
    scene = bpy.context.scene
    render, cycles, bounces = scene.render, scene.cycles, film.max_bounces
    render.engine, cycles.device = "CYCLES", "CPU"
    render.threads_mode, render.threads, render.use_persistent_data = "FIXED", threads, is_persistent
    render.resolution_x, render.resolution_y, render.resolution_percentage = film.width, film.height, 100
    render.use_compositing = render.use_sequencer = False
    render.film_transparent = is_transparent
    render.dither_intensity = cycles.blur_glossy = cycles.light_sampling_threshold = 0
    cycles.samples, cycles.use_adaptive_sampling, cycles.use_denoising = film.samples, False, False
    cycles.pixel_filter_type, cycles.filter_width = film.filter.upper(), film.filter_width_px
    cycles.max_bounces, cycles.transparent_max_bounces = bounces["total"], 64
    cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = (bounces[kind] for kind in ("diffuse", "glossy", "transmission"))
    cycles.sample_clamp_direct, cycles.sample_clamp_indirect = film.clamp_direct, film.clamp_indirect
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"


def save(path, kind, depth):
    settings = bpy.context.scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = kind, "RGBA", depth
    bpy.data.images["Render Result"].save_render(path, scene=bpy.context.scene)


if __name__ == "__main__":
    peers.run(Cycles())
