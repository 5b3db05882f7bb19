"""Writes the camera, lights, world and view settings of a .blend as a shot template of Packshot.

    blender -b studio.blend -P export_template.py -- studio.toml
    python export_template.py studio.blend studio.toml          # with the Python package bpy, 5.0 or newer

What has no counterpart is printed as a warning, one line each. docs/templates.md has the table of what becomes what.
"""

import math
import os
import re
import sys

import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

# Light that comes from a point needs some size to be painted.
LEAST_SIZE_DEG = 4.0
VIEWS = {"Standard": "standard", "AgX": "agx", "Khronos PBR Neutral": "khronos_neutral", "Raw": "raw"}
LOOKS = ["Very High Contrast", "High Contrast", "Medium High Contrast", "Base Contrast", "Medium Low Contrast",
         "Low Contrast", "Very Low Contrast", "Punchy", "Greyscale"]


def warn(message):
    print(f"warning: {message}", file=sys.stderr)


def text(value):
    return '"' + "".join(c for c in value if c >= " ").replace("\\", "\\\\").replace('"', '\\"') + '"'


def angles_deg(direction):
    """Azimuth and elevation of a direction in Blender's space: Z is up, and the front of a product looks to -Y."""
    x, y, z = direction.normalized()
    return math.degrees(math.atan2(x, -y)), math.degrees(math.asin(max(-1.0, min(1.0, z))))


def vertices(scene):
    """The vertices of all meshes that are rendered, with their modifiers."""
    graph = bpy.context.evaluated_depsgraph_get()
    meshes = [o.evaluated_get(graph) for o in scene.objects if o.type == "MESH" and not o.hide_render]
    return [o.matrix_world @ vertex.co for o in meshes for vertex in o.data.vertices]


def camera_lines(scene, points, center):
    camera = scene.camera
    if camera is None:
        warn("the scene has no camera: the template leaves the default")
        return [], 0.0
    data, matrix = camera.data, camera.matrix_world
    back = matrix.to_3x3() @ Vector((0, 0, 1))
    azimuth_deg, elevation_deg = angles_deg(back)
    right = matrix.to_3x3() @ Vector((1, 0, 0))
    if abs(right.z) > 0.02 and abs(elevation_deg) < 89:
        warn("the camera is rolled: templates keep the horizon level")
    shift = world_to_camera_view(scene, camera, center)
    if abs(shift.x - 0.5) > 0.03 or abs(shift.y - 0.5) > 0.03 or data.shift_x or data.shift_y:
        warn("the product is not in the picture's middle: Packshot centres it")
    lines = ["[camera]", f"azimuth_deg = {azimuth_deg:.4f}", f"elevation_deg = {elevation_deg:.4f}"]
    if data.type == "ORTHO":
        lines.append("ortho = true")
    elif data.type == "PERSP":
        sensor_mm = data.sensor_height if data.sensor_fit == "VERTICAL" else data.sensor_width
        lines.append(f"lens_mm = {data.lens * 36.0 / sensor_mm:.4f}")
        if data.sensor_fit != "AUTO":
            warn(f"the sensor fit {data.sensor_fit} is read as that along the longer side")
    else:
        warn(f"a {data.type} camera has no counterpart: the template leaves the default lens")
    seen = [world_to_camera_view(scene, camera, point) for point in points]
    if seen:
        share = max(max(p[i] for p in seen) - min(p[i] for p in seen) for i in (0, 1))
        lines.append(f"fill = {min(max(share, 0.001), 1.0):.4f}")
        if share > 1.0:
            warn("the product is larger than the picture: the template fits it in")
    if data.dof.use_dof and data.type != "ORTHO":
        lines.append(f"f_number = {data.dof.aperture_fstop:.4f}")
        if data.dof.focus_object:
            lines.append(f"focus = {text(data.dof.focus_object.name)}")
        else:
            warn("a focus distance becomes the plane through the product's middle")
    return lines, azimuth_deg


def panel(name, light, toward, size_deg, radiance, camera_azimuth_deg, soft):
    azimuth_deg, elevation_deg = angles_deg(toward)
    color = light.color
    luminance = 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]
    temperature = light.temperature if getattr(light, "use_temperature", False) else None
    if max(color) - min(color) > 0.02:
        warn(f"light {name!r}: its colour becomes its brightness; templates have temperatures")
    level = radiance * luminance * 2.0 ** getattr(light, "exposure", 0.0)
    if level <= 0.0:
        warn(f"light {name!r} gives no light and is left out")
        return []
    relative_deg = (azimuth_deg - camera_azimuth_deg + 180.0) % 360.0 - 180.0
    width_deg, height_deg = (min(max(size, LEAST_SIZE_DEG), 170.0) for size in size_deg)
    lines = ["", f"# {re.sub(r'[^ -~]', '?', name)}", "[[light.panel]]", f"azimuth_deg = {relative_deg:.4f}",
             f"elevation_deg = {elevation_deg:.4f}", f"size_deg = [{width_deg:.4f}, {height_deg:.4f}]",
             f"ev = {min(max(math.log2(level), -16.0), 16.0):.4f}", f"roundness = {soft[0]}", f"softness = {soft[1]}"]
    if temperature:
        lines.append(f"temperature_k = {min(max(temperature, 1667.0), 25000.0):.1f}")
    return lines


def light_lines(scene, center, camera_azimuth_deg):
    lines = []
    for lamp in (o for o in scene.objects if o.type == "LIGHT" and not o.hide_render):
        light, offset = lamp.data, lamp.matrix_world.translation - center
        distance = max(offset.length, 1e-6)
        aim = lamp.matrix_world.to_3x3() @ Vector((0, 0, -1))
        name = lamp.name
        if light.use_nodes:
            warn(f"light {name!r}: its nodes are not read")
        if light.type == "SUN":
            warn(f"light {name!r}: a sun becomes a disk of at least {LEAST_SIZE_DEG}° with the same irradiance")
            size_deg = max(math.degrees(light.angle), LEAST_SIZE_DEG)
            solid = 2 * math.pi * (1 - math.cos(math.radians(size_deg) / 2))
            lines += panel(name, light, -aim, (size_deg, size_deg), light.energy / solid, camera_azimuth_deg, (1.0, 0.1))
            continue
        if light.type == "AREA":
            round_ = light.shape in {"DISK", "ELLIPSE"}
            scale = lamp.matrix_world.to_scale()
            width = light.size * scale.x
            height = (light.size_y if light.shape in {"RECTANGLE", "ELLIPSE"} else light.size) * scale.y
            area = width * height * (math.pi / 4 if round_ else 1.0)
            slant = aim.angle(-offset) if offset.length > 1e-6 else 0.0
            if slant > math.radians(30):
                warn(f"light {name!r} is aimed {math.degrees(slant):.0f}° past the product: the panel faces it")
            size_deg = tuple(2 * math.degrees(math.atan(0.5 * side / distance)) for side in (width, height))
            lines += panel(name, light, offset, size_deg, light.energy / (math.pi * area), camera_azimuth_deg,
                           (1.0 if round_ else 0.0, 0.05))
            continue
        warn(f"light {name!r}: a {light.type.lower()} becomes a disk of at least {LEAST_SIZE_DEG}° in its direction"
             + (", without its cone" if light.type == "SPOT" else ""))
        size_deg = max(2 * math.degrees(math.atan(light.shadow_soft_size / distance)), LEAST_SIZE_DEG)
        solid = 2 * math.pi * (1 - math.cos(math.radians(size_deg) / 2))
        irradiance = light.energy / (4 * math.pi * distance**2) / math.pi
        lines += panel(name, light, offset, (size_deg, size_deg), irradiance / solid, camera_azimuth_deg, (1.0, 0.1))
    return lines


def world(scene, out):
    """Radiance of the world when it is uniform, or the file of its map; and its strength."""
    if scene.world is None:
        return 0.0, None, 1.0
    tree = scene.world.node_tree
    background = next((n for n in tree.nodes if n.type == "BACKGROUND"), None) if tree else None
    if background is None:
        color = scene.world.color
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), color)), None, 1.0
    strength = background.inputs["Strength"].default_value
    link = next(iter(background.inputs["Color"].links), None)
    if link is None:
        color = background.inputs["Color"].default_value[:3]
        if max(color) - min(color) > 0.02:
            warn("the world's colour becomes its brightness")
        return strength * sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), color)), None, 1.0
    if link.from_node.type == "TEX_ENVIRONMENT" and link.from_node.image:
        path = bpy.path.abspath(link.from_node.image.filepath)
        if link.from_node.inputs["Vector"].links:
            warn("the mapping of the environment texture is not read: set `rotation_deg` by hand")
        return 0.0, os.path.relpath(path, os.path.dirname(os.path.abspath(out))).replace(os.sep, "/"), strength
    warn(f"the world's node {link.from_node.type} has no counterpart and is left out")
    return 0.0, None, 1.0


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
    return ["", "[view]", f'transform = "{transform}"', f"exposure_ev = {settings.exposure:.4f}"]


def export(out):
    scene = bpy.context.scene
    bpy.context.view_layer.update()
    points = vertices(scene)
    if not points:
        warn("the scene has no mesh: sizes and directions of lights are those around the origin")
    low, high = (Vector(f(p[i] for p in points) for i in range(3)) if points else Vector() for f in (min, max))
    center = (low + high) / 2
    camera, azimuth_deg = camera_lines(scene, points, center)
    panels = light_lines(scene, center, azimuth_deg)
    radiance, path, strength = world(scene, out)

    name = os.path.splitext(os.path.basename(bpy.data.filepath or out))[0]
    lines = ['schema = "shot-template/1"', "", "[template]",
             f"id = {text(re.sub(r'[^a-z0-9_]+', '_', name.lower()) or 'template')}", f"name = {text(name)}",
             f"description = {text('Exported from ' + os.path.basename(bpy.data.filepath or name))}", ""]
    lines += camera
    if path and panels:
        warn("a template has panels or a map: the map of the world is left out")
        path = None
    if path:
        lines += ["", "[light]", f"map = {text(path)}"]
        if strength > 0.0 and strength != 1.0:
            lines.append(f"exposure_ev = {min(max(math.log2(strength), -16.0), 16.0):.4f}")
    else:
        levels = [f"{level} = {min(radiance, 1e4):.6f}" for level in ("zenith", "horizon", "table", "nadir")]
        lines += ["", "[light.dome]", *levels, *panels]
    render = scene.render
    lines += ["", "[backdrop]", f'background = "{"transparent" if render.film_transparent else "environment"}"']
    scale = render.resolution_percentage / 100
    lines += ["", "[film]", f"width = {max(1, round(render.resolution_x * scale))}",
              f"height = {max(1, round(render.resolution_y * scale))}"]
    if render.engine == "CYCLES":
        cycles = scene.cycles
        noise = cycles.adaptive_threshold if cycles.use_adaptive_sampling else 0.0
        lines += [f"samples = {cycles.samples}", f"noise = {noise:.6f}", f"seed = {max(0, cycles.seed)}",
                  f"max_bounces = {min(cycles.max_bounces, 1024)}", f"clamp_indirect = {cycles.sample_clamp_indirect:.4f}"]
        if cycles.use_denoising:
            warn("denoising is an option of the command: --denoise")
    else:
        warn(f"sampling of {render.engine} has no counterpart: the template leaves the default")
    lines += view_lines(scene)
    with open(out, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(lines) + "\n")


def main():
    arguments = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else sys.argv[1:]
    if len(arguments) == 2:
        bpy.ops.wm.open_mainfile(filepath=arguments.pop(0))
    if len(arguments) != 1:
        sys.exit(__doc__)
    export(arguments[0])


if __name__ == "__main__":
    main()
