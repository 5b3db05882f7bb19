"""A shot's product turned once around by Blender, in one process: blender.py PEERS FRAMES FIRST END FOLDER QUALITY SHOT [options of render_cycles.py]

PEERS is the folder of `render_cycles.py`, whose scene is taken as it is. Frame k of FRAMES stands at 360·k/FRAMES degrees counter-clockwise as seen from above, about the
vertical axis through the middle of the product's bounds; those from FIRST to before END are rendered as an animation with persistent data, into FOLDER as PNGs. QUALITY of the
denoiser: BALANCED, HIGH or FAST. Needs a Python with bpy.
"""
import math
import pathlib
import sys

peers, frames, first, end, folder, quality = sys.argv[1:7]
frames, first, end = int(frames), int(first), int(end)
path = pathlib.Path(peers) / "render_cycles.py"
source = path.read_text()
if not source.rstrip().endswith("\nmain()"):
    raise SystemExit(f"{path} does not end with main(): this script cannot use it")
sys.argv = [str(path), *sys.argv[7:]]
scope = {"__name__": "cycles_turntable", "__file__": str(path), "__doc__": None}
exec(compile(source.rstrip().removesuffix("\nmain()"), str(path), "exec"), scope)
bpy, mathutils, shot = scope["bpy"], scope["mathutils"], scope["shot"]

bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=shot.glb, loglevel=50)
scene = bpy.context.scene
for ob in [o for o in scene.objects if o.type in ("LIGHT", "CAMERA")]:
    bpy.data.objects.remove(ob)
product = list(scene.objects)
scope["place_objects"](product)
bpy.context.view_layer.update()
corners = [ob.matrix_world @ mathutils.Vector(corner) for ob in product if ob.type == "MESH" for corner in ob.bound_box]
middle = [(min(c[axis] for c in corners) + max(c[axis] for c in corners)) / 2 for axis in range(3)]
turn = bpy.data.objects.new("turn", None)
turn.location = middle
scene.collection.objects.link(turn)
bpy.context.view_layer.update()
for ob in [o for o in product if o.parent is None]:
    ob.parent = turn
    ob.matrix_parent_inverse = turn.matrix_world.inverted()
for i, light in enumerate(shot.lights):
    scope["add_light"](i, light)
scope["set_world"](shot.environment)
scope["set_camera"](shot.camera)
scope["configure"](scene)
for frame in range(first, end):
    turn.rotation_euler = (0, 0, math.radians(360 * frame / frames))
    turn.keyframe_insert("rotation_euler", frame=frame)

render, cycles = scene.render, scene.cycles
render.use_persistent_data = True
cycles.denoiser, cycles.denoising_quality, cycles.denoising_prefilter = "OPENIMAGEDENOISE", quality, "ACCURATE"
cycles.denoising_input_passes, cycles.denoising_use_gpu, cycles.use_animated_seed = "RGB_ALBEDO_NORMAL", False, False
settings = render.image_settings
settings.media_type, settings.file_format, settings.color_mode, settings.color_depth = "IMAGE", "PNG", "RGBA", "8"
render.filepath = str(pathlib.Path(folder).absolute() / "frame_####")
scene.frame_start, scene.frame_end = first, end - 1
bpy.ops.render.render(animation=True)
