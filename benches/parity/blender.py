"""Pictures of GLBs as Blender 5.0.1 shows them: blender.py JOBS.json. Run by a Python that has bpy.

Materials and lights are those that Blender's own importer makes, with its default options. Of Cycles all is at the factory's settings but
what a job sets: camera, environment, size, samples, seed, bounces and clamps, with neither adaptive sampling nor denoising nor the
filter of glossy paths nor the threshold of lights (all of them change pictures, and Packshot does without).
"""
import json
import logging
import math
import sys
import time

import bpy
from mathutils import Matrix

# glTF's world is Y up, Blender's Z up. Camera frames are the same.
BLENDER_FROM_GLTF = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))


def add_camera(job):
    data = bpy.data.cameras.new("parity")
    data.sensor_fit, (data.clip_start, data.clip_end) = "VERTICAL", job["clip_m"]
    data.lens = data.sensor_height / (2 * math.tan(job["fov_y_rad"] / 2))
    camera = bpy.data.objects.new("parity", data)
    camera.matrix_world = BLENDER_FROM_GLTF @ Matrix(job["world_from_camera"])
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera


def set_world(path):
    """At rotation 0 the map's +X is that of glTF, which is also that of Blender."""
    world = bpy.context.scene.world = bpy.data.worlds.new("parity")
    nodes = world.node_tree.nodes
    background = next(node for node in nodes if node.type == "BACKGROUND")
    if path is None:
        background.inputs["Color"].default_value = (0, 0, 0, 1)
        return
    background.inputs["Color"].default_value = (1, 1, 1, 1)
    background.inputs["Strength"].default_value = 1
    texture = nodes.new("ShaderNodeTexEnvironment")
    texture.image = bpy.data.images.load(path)
    texture.image.colorspace_settings.name = "Linear Rec.709"
    world.node_tree.links.new(texture.outputs["Color"], background.inputs["Color"])


def configure(job):
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine, cycles.device = "CYCLES", "CPU"
    render.resolution_x, render.resolution_y, render.resolution_percentage = job["width"], job["height"], 100
    if job["threads"]:
        render.threads_mode, render.threads = "FIXED", job["threads"]
    render.film_transparent = True
    render.use_compositing = render.use_sequencer = False
    cycles.samples, cycles.seed = job["samples"], job["seed"]
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    cycles.pixel_filter_type = "BOX"
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = cycles.transmission_bounces = job["bounces"]
    cycles.transparent_max_bounces = 64
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0
    cycles.blur_glossy, cycles.light_sampling_threshold = job["filter_glossy"], 0


def save(path):
    settings = bpy.context.scene.render.image_settings
    settings.media_type, settings.file_format, settings.color_mode, settings.color_depth = "IMAGE", "OPEN_EXR", "RGBA", "32"
    bpy.data.images["Render Result"].save_render(path, scene=bpy.context.scene)


for job in json.load(open(sys.argv[1])):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    begun = time.perf_counter()
    try:
        bpy.ops.import_scene.gltf(filepath=job["glb"], loglevel=logging.CRITICAL)
    except RuntimeError as error:
        print(f"{job['glb']}: {error}", file=sys.stderr, flush=True)
        continue
    for ob in [ob for ob in bpy.context.scene.objects if ob.type == "CAMERA" or ob.type == "LIGHT" and job["sky"]]:
        bpy.data.objects.remove(ob)
    add_camera(job)
    set_world(job["sky"])
    configure(job)
    # Packshot shows the first key of the first animation; Blender opens a file a frame later.
    bpy.context.scene.frame_set(0)
    imported = time.perf_counter()
    bpy.ops.render.render()
    save(job["out"])
    print(f"{job['out']}: {imported - begun:.1f} s import, {time.perf_counter() - imported:.1f} s", file=sys.stderr, flush=True)
