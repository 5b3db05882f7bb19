"""Writes the camera, lights, world and view settings of a .blend as a shot template of Packshot.

    blender -b studio.blend -P export_template.py -- studio.toml
    python export_template.py studio.blend studio.toml          # with the Python package bpy, 5.0 or newer

`--product NAME`, repeatable, names the collections and objects that are the product; without it all meshes are. What has no counterpart is
printed as a warning, one line each. docs/templates.md has the table of what becomes what.
"""

import argparse
import math
import os
import re
import sys

import bpy
import numpy
from mathutils import Vector

# Blender runs a script without looking for modules beside it; the folder may be someone's checkout, so nothing is
# written there.
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import blender_light  # noqa: E402
from blender_light import angles_deg, quoted  # noqa: E402
from blender_scene import collect, product, warn, with_rendered  # noqa: E402

# Limits of templates.
SIDE_MAX_PX = 16_384
PIXELS_MAX = 64_000_000
SAMPLES_MAX = 1 << 24
BOUNCES_MAX = 1024
# Above this elevation the direction of a camera says little about its azimuth, and its right side all.
VERTICAL_DEG = 89.9
VIEWS = {"Standard": "standard", "AgX": "agx", "Khronos PBR Neutral": "khronos_neutral", "Raw": "raw"}
LOOKS = ["Very High Contrast", "High Contrast", "Medium High Contrast", "Base Contrast", "Medium Low Contrast",
         "Low Contrast", "Very Low Contrast", "Punchy", "Greyscale"]


def within(what, value, least, most):
    """A value within the limits of templates, with a warning where it was not."""
    clamped = min(max(value, least), most)
    if clamped != value:
        warn(f"{what} {value:g} is beyond the limits of templates: {clamped:g} is written")
    return clamped


def seen(scene, camera, points):
    """Places of points in the picture, (0, 0) to (1, 1) from the lower left, and their depths."""
    world_from_camera = camera.matrix_world.normalized()
    local = points @ numpy.array(world_from_camera.inverted())[:3, :3].T + numpy.array(world_from_camera.inverted())[:3, 3]
    depth = -local[:, 2]
    frame = numpy.array([tuple(corner) for corner in camera.data.view_frame(scene=scene)])
    low, high, frame_depth = frame.min(axis=0)[:2], frame.max(axis=0)[:2], -frame[0, 2]
    scale = 1.0 if camera.data.type == "ORTHO" else frame_depth / numpy.where(depth > 0, depth, numpy.nan)[:, None]
    return (local[:, :2] * scale - low) / (high - low), depth


def sensor_mm(scene, data):
    """The sensor along the picture's longer side."""
    size = [scene.render.resolution_x * scene.render.pixel_aspect_x, scene.render.resolution_y * scene.render.pixel_aspect_y]
    if data.sensor_fit == "AUTO":
        return data.sensor_width
    return (data.sensor_height * max(size) / size[1]) if data.sensor_fit == "VERTICAL" else data.sensor_width * max(size) / size[0]


def camera_lines(scene, camera, meshes, center):
    """The lines, and the camera's azimuth and elevation in degrees."""
    data, matrix = camera.data, camera.matrix_world.normalized().to_3x3()
    right, back = matrix.col[0], matrix.col[2]
    azimuth_deg, elevation_deg = angles_deg(back)
    if abs(elevation_deg) > VERTICAL_DEG:
        azimuth_deg = math.degrees(math.atan2(right.y, right.x))
    azimuth = math.radians(azimuth_deg)
    if right.angle(Vector((math.cos(azimuth), math.sin(azimuth), 0.0)), 0.0) > math.radians(1):
        warn("the camera is rolled: templates keep the horizon level")
    lines = ["[camera]", f"azimuth_deg = {azimuth_deg:.4f}", f"elevation_deg = {elevation_deg:.4f}"]
    crop = 36.0 / sensor_mm(scene, data)
    if data.type == "ORTHO":
        lines.append("ortho = true")
    elif data.type == "PERSP":
        lines.append(f"lens_mm = {within('the focal length in mm', data.lens * crop, 1.0, 10_000.0):.4f}")
    else:
        warn(f"a {data.type} camera has no counterpart: the template leaves the default lens and framing")
        return lines, (azimuth_deg, elevation_deg)
    lines += fill_lines(scene, camera, meshes, center)
    if data.dof.use_dof:
        lines += focus_lines(camera, meshes, center, crop)
    return lines, (azimuth_deg, elevation_deg)


def background_cone(scene, camera):
    """Middle and half angle in radians of the directions that the background shows; `None` where it is transparent."""
    if scene.render.film_transparent or camera.data.type == "PANO":
        return None
    corners = [Vector(corner) for corner in camera.data.view_frame(scene=scene)]
    forward = Vector((0, 0, -1))
    half = 0.0 if camera.data.type == "ORTHO" else max(forward.angle(corner) for corner in corners)
    return camera.matrix_world.normalized().to_3x3() @ forward, half


def fill_lines(scene, camera, meshes, center):
    if not meshes:
        return []
    points = numpy.concatenate([mesh.points for mesh in meshes])
    middle, _ = seen(scene, camera, numpy.array([center]))
    places, depths = seen(scene, camera, points)
    if camera.data.type != "ORTHO" and depths.min() <= 0.0:
        warn("a part of the product lies behind the camera: the template leaves the default framing")
        return []
    if numpy.abs(middle - 0.5).max() > 0.03 or camera.data.shift_x or camera.data.shift_y:
        warn("the product is not in the picture's middle: Packshot centres it")
    share = float(numpy.ptp(places, axis=0).max())
    if share > 1.0:
        warn("the product is larger than the picture: the template fits it in")
    elif share < 0.001:
        warn("the product takes less than 0.001 of the picture, the least that templates have")
    return [f"fill = {min(max(share, 0.001), 1.0):.4f}"]


def focus_lines(camera, meshes, center, crop):
    """Depth of field. Templates focus on the product's middle or on the nearest point of a part."""
    dof = camera.data.dof
    if camera.data.type == "ORTHO":
        warn("an orthographic camera has no depth of field: it is left out")
        return []
    if dof.aperture_blades or dof.aperture_ratio != 1.0:
        warn("the shape of the aperture has no counterpart: it is round")
    # The same opening of the lens for a sensor of 36 mm.
    lines = [f"f_number = {within('the f-number', dof.aperture_fstop * crop, 0.1, 1e6):.4f}"]
    world_from_camera = camera.matrix_world.normalized()
    back, eye = numpy.array(world_from_camera.col[2][:3]), numpy.array(world_from_camera.translation)
    depths = {None: float((eye - numpy.array(center)) @ back)}
    for mesh in meshes:
        depth = float(((eye - mesh.points) @ back).min())
        depths[mesh.name] = min(depth, depths.get(mesh.name, math.inf))
    target = dof.focus_object
    if target and target.original.name in depths:
        return lines + [f"focus = {quoted(target.original.name)}"]
    depth = dof.focus_distance
    if target:
        depth = float((eye - numpy.array(target.matrix_world.translation)) @ back)
    name = min(depths, key=lambda name: abs(depths[name] - depth))
    what = f"the object {target.original.name!r}, which is not a part of the product," if target else "a distance"
    warn(f"the focus is on {what} at {depth:.4g} m: a template focuses on the product; "
         + (f"the nearest point of {name!r}" if name else "the product's middle") + f" at {depths[name]:.4g} m comes nearest")
    return lines + ([f"focus = {quoted(name)}"] if name else [])


def film_lines(scene):
    render = scene.render
    if render.pixel_aspect_x != render.pixel_aspect_y:
        warn("pixels that are not square have no counterpart")
    if render.use_border:
        warn("the render region has no counterpart: the whole picture is rendered")
    width, height = (max(1, side * render.resolution_percentage // 100) for side in (render.resolution_x, render.resolution_y))
    scale = min(1.0, SIDE_MAX_PX / max(width, height), math.sqrt(PIXELS_MAX / (width * height)))
    if scale < 1.0:
        was = f"{width}x{height}"
        width, height = (max(1, math.floor(side * scale)) for side in (width, height))
        warn(f"the resolution {was} is beyond the limits of templates: {width}x{height} is written")
    lines = ["", "[film]", f"width = {width}", f"height = {height}"]
    if render.engine != "CYCLES":
        warn(f"sampling of {render.engine} has no counterpart: the template leaves the default")
        return lines
    cycles = scene.cycles
    noise = cycles.adaptive_threshold if cycles.use_adaptive_sampling else 0.0
    if cycles.use_adaptive_sampling and noise == 0.0:
        warn("the automatic noise threshold has no counterpart: every pixel gets all samples")
    if cycles.sample_clamp_direct > 0.0:
        warn("the clamp of direct light has no counterpart")
    if cycles.time_limit > 0.0:
        warn("the time limit is an option of the command: --max-time")
    clamp = within("the clamp of indirect light", cycles.sample_clamp_indirect, 0.0, 1e6)
    return lines + [f"samples = {within('the number of samples', cycles.samples, 1, SAMPLES_MAX)}", f"noise = {min(noise, 1.0):.6f}",
                    f"seed = {max(0, cycles.seed)}", f"max_bounces = {min(cycles.max_bounces, BOUNCES_MAX)}",
                    f"clamp_indirect = {clamp:.4f}", f'denoise = "{"on" if cycles.use_denoising else "off"}"']


def view_lines(scene):
    settings = scene.view_settings
    transform = VIEWS.get(settings.view_transform)
    if transform is None:
        warn(f"the view {settings.view_transform!r} has no counterpart: agx is written")
        transform = "agx"
    look = settings.look.removeprefix("AgX - ")
    if look in LOOKS and transform == "agx":
        transform = "agx_" + look.lower().replace(" ", "_")
    elif look not in {"None", ""}:
        warn(f"the look {settings.look!r} has no counterpart")
    if settings.gamma != 1.0:
        warn("the view's gamma has no counterpart")
    if settings.use_curve_mapping:
        warn("the view's curves have no counterpart: bake them into a table and give it with --lut")
    if settings.use_white_balance:
        warn("the view's white balance has no counterpart")
    if scene.render.use_compositing and getattr(scene, "compositing_node_group", None):
        warn("the compositor has no counterpart")
    film = scene.cycles.film_exposure if scene.render.engine == "CYCLES" else 1.0
    exposure_ev = within("the exposure in EV", settings.exposure + math.log2(max(film, 1e-30)), -32.0, 32.0)
    return ["", "[view]", f'transform = "{transform}"', f"exposure_ev = {exposure_ev:.4f}"]


def template(scene, depsgraph, has_camera, names, out):
    """The text of the template."""
    meshes, lights = collect(depsgraph)
    if meshes or names:
        meshes = product(meshes, names)
    else:
        warn("the scene has no mesh: sizes and directions of lights are those around the origin")
    center = Vector()
    if meshes:
        low, high = (f([f(mesh.points, axis=0) for mesh in meshes], axis=0) for f in (numpy.min, numpy.max))
        center = Vector((low + high) / 2)
    camera, camera_deg, cone = [], (0.0, 0.0), None
    if has_camera:
        rendered = scene.camera.evaluated_get(depsgraph)
        camera, camera_deg = camera_lines(scene, rendered, meshes, center)
        cone = background_cone(scene, rendered)
    else:
        warn("the scene has no camera: the template leaves the default")
    source = os.path.basename(bpy.data.filepath or out)
    name = os.path.splitext(source)[0]
    lines = ['schema = "shot-template/1"', "", "[template]", f"id = {quoted(re.sub(r'[^a-z0-9_]+', '_', name.lower()) or 'template')}",
             f"name = {quoted(name)}", f"description = {quoted('Exported from ' + source)}", "", *camera]
    lines += blender_light.lines(scene, lights, center, camera_deg, cone, out)
    lines += ["", "[backdrop]", f'background = "{"transparent" if scene.render.film_transparent else "environment"}"']
    lines += film_lines(scene) + view_lines(scene)
    return "\n".join(lines) + "\n"


def export(out, names):
    scene = bpy.context.scene
    has_camera = scene.camera is not None
    texts = []
    with_rendered(scene, lambda depsgraph: texts.append(template(scene, depsgraph, has_camera, names, out)))
    with open(out, "w", encoding="utf-8", newline="\n") as file:
        file.write(texts[0])


def main():
    arguments = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else sys.argv[1:]
    parser = argparse.ArgumentParser(prog="export_template.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", help="the .blend, unless Blender has it open, and the template to write")
    parser.add_argument("--product", action="append", default=[], metavar="NAME", help="a collection or an object that is the product")
    options = parser.parse_args(arguments)
    if len(options.files) > 2:
        parser.error("give the .blend and the template to write")
    try:
        if len(options.files) == 2:
            bpy.ops.wm.open_mainfile(filepath=options.files[0])
        elif not bpy.data.filepath:
            parser.error("give the .blend, too")
        export(options.files[-1], options.product)
    except (OSError, RuntimeError) as fault:
        sys.exit(f"error: {fault}")


if __name__ == "__main__":
    main()
