"""Lights and the world of a Blender scene as panels, a dome or a map of a template.

In: lights as the render sees them, and the middle of the product. Out: lines of TOML. Each panel gives the irradiance at the middle that
Cycles' light gives there. Formulas are those of Cycles, measured with Blender 5.0.1 on a white plane: within 0.3 % for every kind of light.
"""

import math
import os
import re

import bpy
import numpy
from mathutils import Matrix, Vector

from blender_scene import upstream, warn

# Light that comes from a point needs some size to be painted.
LEAST_SIZE_DEG = 4.0
LARGEST_SIZE_DEG = 170.0
# Packshot paints rigs on maps of 1024x512.
MAP_PIXEL_DEG = 360.0 / 1024
EV_MAX = 16.0
DOME_MAX = 1e4
PANELS_MAX = 64
# Midpoints of a square from -0.5 to 0.5, for integrals.
GRID = (numpy.arange(256) + 0.5) / 256 - 0.5
LINEAR = {"Linear Rec.709", "scene_linear", "Non-Color"}


def luminance(color):
    return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]


def angles_deg(direction):
    """Azimuth and elevation of a direction in Blender's space: Z is up, and the front of a product looks to -Y."""
    x, y, z = direction.normalized()
    return math.degrees(math.atan2(x, -y)), math.degrees(math.asin(max(-1.0, min(1.0, z))))


def in_rig(direction, camera_deg):
    """Where a template has a direction, for a camera at this azimuth and elevation: below the horizon its rig is tilted about the picture's
    horizontal axis by twice the angle."""
    azimuth_deg, elevation_deg = camera_deg
    turn = Matrix.Rotation(math.radians(azimuth_deg), 3, "Z")
    return turn @ Matrix.Rotation(math.radians(min(2 * elevation_deg, 0)), 3, "X") @ turn.inverted() @ direction


def painted_irradiance(size_deg, roundness, softness):
    """What a panel of radiance 1 gives on a plane that faces it: the integral over the plane at distance 1, with Packshot's blurred edge."""
    half = [math.tan(math.radians(size) / 2) for size in size_deg]
    corner, blur = roundness * min(half), max(softness * min(half), 1e-4)
    x, y = numpy.meshgrid(2 * half[0] * GRID, 2 * half[1] * GRID)
    beyond = numpy.abs([x, y]) - (numpy.array(half) - corner).reshape(2, 1, 1)
    edge = numpy.hypot(*numpy.maximum(beyond, 0.0)) + numpy.minimum(beyond.max(axis=0), 0.0) - corner
    inside = numpy.clip(-edge / blur, 0.0, 1.0)
    coverage = inside * inside * (3 - 2 * inside)
    return float((coverage / (1 + x * x + y * y) ** 2).mean() * 4 * half[0] * half[1])


def area_irradiance(light, matrix, offset):
    """What an area light of radiance 1 gives on a plane at the middle that faces its centre: the integral over the light, with its spread."""
    width, height = sides(light, matrix)
    across, up, back = (matrix.to_3x3().col[i].normalized() for i in range(3))
    x, y = numpy.meshgrid(GRID, GRID)
    shape = (x * x + y * y <= 0.25) if is_round(light) else numpy.ones_like(x)
    axes = [numpy.array(axis).reshape(3, 1, 1) for axis in (across, up, back)]
    point = numpy.array(offset).reshape(3, 1, 1) + axes[0] * width * x + axes[1] * height * y
    distance = numpy.linalg.norm(point, axis=0)
    leaving = numpy.clip((point * axes[2]).sum(axis=0) / distance, 0.0, 1.0)
    toward = numpy.array(offset.normalized()).reshape(3, 1, 1)
    arriving = numpy.clip((point * toward).sum(axis=0) / distance, 0.0, 1.0)
    half_spread = light.spread / 2
    if half_spread < math.radians(89.9):
        tangent = math.tan(half_spread)
        tilt = numpy.tan(numpy.arccos(leaving))
        # The light that a grid takes from the side it adds in front, so that the power stays.
        shape = shape * numpy.maximum(1 - tilt / tangent, 0.0) * tangent / (tangent - half_spread)
    return float((shape * leaving * arriving / distance**2).mean() * width * height)


def is_round(light):
    return light.shape in {"DISK", "ELLIPSE"}


def sides(light, matrix):
    scale = matrix.to_scale()
    height = light.size_y if light.shape in {"RECTANGLE", "ELLIPSE"} else light.size
    return max(light.size * abs(scale.x), 1e-6), max(height * abs(scale.y), 1e-6)


class Panel:
    """A panel that is to give an irradiance at the middle; `across` is the direction of its width."""

    def __init__(self, name, light, toward, size_deg, irradiance, round_, across=None):
        self.name, self.toward, self.across = name, toward, across
        self.irradiance = irradiance * factor(name, light)
        self.size_deg = tuple(min(max(size, LEAST_SIZE_DEG), LARGEST_SIZE_DEG) for size in size_deg)
        self.roundness = 1.0 if round_ else 0.0
        # An edge that is narrower than the map's pixels would paint small panels too large or too small.
        self.softness = round(max(0.05, min(1.0, 2 * MAP_PIXEL_DEG / (min(self.size_deg) / 2))), 4)
        self.temperature_k = light.temperature if light.use_temperature else None

    def meets(self, direction, half_angle):
        """Whether a cone may touch it."""
        corner = math.atan(math.hypot(*(math.tan(math.radians(size) / 2) for size in self.size_deg)))
        return self.toward.angle(direction) < half_angle + corner

    def lines(self, camera_deg):
        toward = in_rig(self.toward, camera_deg)
        azimuth_deg, elevation_deg = angles_deg(toward)
        relative_deg = (azimuth_deg - camera_deg[0] + 180.0) % 360.0 - 180.0
        ev = math.log2(self.irradiance / painted_irradiance(self.size_deg, self.roundness, self.softness))
        if abs(ev) > EV_MAX:
            warn(f"light {self.name!r}: its {ev:.1f} EV are beyond ±{EV_MAX:.0f}")
        lines = ["", f"# {re.sub(r'[^ -~]', '?', self.name)}", "[[light.panel]]", f"azimuth_deg = {relative_deg:.4f}",
                 f"elevation_deg = {elevation_deg:.4f}", f"size_deg = [{self.size_deg[0]:.4f}, {self.size_deg[1]:.4f}]",
                 f"ev = {min(max(ev, -EV_MAX), EV_MAX):.4f}", f"roundness = {self.roundness}", f"softness = {self.softness}"]
        if self.across is not None:
            azimuth = math.radians(azimuth_deg)
            level = Vector((-math.cos(azimuth), -math.sin(azimuth), 0.0))
            upright, across = toward.normalized().cross(-level), in_rig(self.across, camera_deg)
            lines.append(f"roll_deg = {math.degrees(math.atan2(across.dot(upright), across.dot(level))):.4f}")
        if self.temperature_k:
            lines.append(f"temperature_k = {min(max(self.temperature_k, 1667.0), 25000.0):.1f}")
            if not 1667.0 <= self.temperature_k <= 25000.0:
                warn(f"light {self.name!r}: its {self.temperature_k:.0f} K are beyond 1667 to 25000")
        return lines


def factor(name, light):
    """What multiplies a light's power: its exposure, colour and, where they are constant, its nodes."""
    color = light.color
    if max(color) - min(color) > 0.02:
        warn(f"light {name!r}: its colour becomes its brightness; templates have temperatures")
    if light.use_temperature:
        color = [a * b for a, b in zip(color, light.temperature_color)]
    return luminance(color) * 2.0 ** light.exposure * node_factor(name, light)


def node_factor(name, light):
    output = light.node_tree.get_output_node("CYCLES") if light.use_nodes and light.node_tree else None
    if output is None:
        return 1.0
    links = output.inputs["Surface"].links
    node = links[0].from_node if links else None
    if node is None or node.type != "EMISSION" or any(node.inputs[key].links for key in ("Color", "Strength")):
        warn(f"light {name!r}: its nodes are not read")
        return 1.0
    return node.inputs["Strength"].default_value * luminance(node.inputs["Color"].default_value)


def sun(name, light, aim):
    warn(f"light {name!r}: a sun becomes a disk of at least {LEAST_SIZE_DEG}° with the same irradiance")
    size_deg = math.degrees(light.angle)
    irradiance = light.energy if light.normalize else light.energy * math.pi * math.sin(light.angle / 2) ** 2
    return Panel(name, light, -aim, (size_deg, size_deg), irradiance, True)


def area(name, light, matrix, offset, aim):
    distance = offset.length
    slant = aim.angle(-offset, 0.0)
    if slant > math.radians(30):
        warn(f"light {name!r} is aimed {math.degrees(slant):.0f}° past the product: the panel faces it, with the irradiance of the light")
    if light.spread < math.radians(179.8):
        warn(f"light {name!r}: its spread of {math.degrees(light.spread):.0f}° has no counterpart; the product's middle gets the same light")
    width, height = sides(light, matrix)
    size_deg = [2 * math.degrees(math.atan(0.5 * side / distance)) for side in (width, height)]
    if min(size_deg) < LEAST_SIZE_DEG or max(size_deg) > LARGEST_SIZE_DEG:
        warn(f"light {name!r}: its panel has {LEAST_SIZE_DEG}° to {LARGEST_SIZE_DEG}° on each side, with the same irradiance")
    round_ = is_round(light)
    if light.shape == "ELLIPSE":
        warn(f"light {name!r}: an ellipse becomes a rectangle with round ends, with the same irradiance")
    surface = width * height * (math.pi / 4 if round_ else 1.0)
    radiance = light.energy / (math.pi * surface if light.normalize else math.pi)
    return Panel(name, light, offset, size_deg, radiance * area_irradiance(light, matrix, offset), round_, matrix.to_3x3().col[0])


def point(name, light, matrix, offset, aim):
    warn(f"light {name!r}: a {light.type.lower()} becomes a disk of at least {LEAST_SIZE_DEG}° in its direction"
         + (", without its cone" if light.type == "SPOT" else ""))
    distance, radius = offset.length, light.shadow_soft_size
    # With soft falloff the light is a disk that faces what it lights, else a ball.
    if light.use_soft_falloff:
        squared, half = distance**2 + radius**2, math.atan(radius / distance)
    else:
        squared, half = distance**2, math.asin(min(radius / distance, 1.0))
    if light.normalize:
        irradiance = light.energy / (4 * math.pi * squared)
    else:
        irradiance = light.energy / math.pi * (math.pi * radius**2 if radius > 0 else 1.0) / squared
    if light.type == "SPOT":
        within = spot_share(light, matrix, -offset)
        if within < 0.99:
            warn(f"light {name!r}: the product's middle gets {100 * within:.0f} % of it, as it lies at the edge of its cone or beyond")
        irradiance *= within
    size_deg = 2 * math.degrees(half)
    return Panel(name, light, offset, (size_deg, size_deg), irradiance, True)


def spot_share(light, matrix, toward):
    """How much of a spot goes in a direction; the cone is one of the object's own space, so that its scale makes it an ellipse."""
    local = matrix.to_3x3().normalized().transposed() @ toward
    local = Vector(side / max(abs(scale), 1e-6) for side, scale in zip(local, matrix.to_scale())).normalized()
    edge = math.cos(light.spot_size / 2)
    beyond = min(max((-local.z - edge) / max((1 - edge) * light.spot_blend, 1e-6), 0.0), 1.0)
    return beyond * beyond * (3 - 2 * beyond)


def panels(lights, center, camera_deg, cone):
    """The lines of all panels; `cone` is the middle and the half angle in radians of what the background shows, or `None`."""
    made = []
    for lamp, matrix in lights:
        light, offset = lamp.data, matrix.translation - center
        name = lamp.original.name
        if offset.length < 1e-6 and light.type != "SUN":
            warn(f"light {name!r} stands in the product's middle and is left out")
            continue
        aim = (matrix.to_3x3() @ Vector((0, 0, -1))).normalized()
        if light.type == "AREA" and light.cycles.is_portal:
            # A portal gives no light: it only tells Cycles where that of the world comes in.
            continue
        if lamp.original.light_linking.receiver_collection:
            warn(f"light {name!r} lights some objects alone: in a template all")
        if light.type == "SUN":
            panel = sun(name, light, aim)
        elif light.type == "AREA":
            panel = area(name, light, matrix, offset, aim)
        else:
            panel = point(name, light, matrix, offset, aim)
        if panel.irradiance > 0.0:
            made.append(panel)
            if cone and (light.type == "SUN" or not lamp.visible_camera) and panel.meets(*cone):
                warn(f"light {name!r} is not seen in Blender's picture; its panel is, as background")
        else:
            warn(f"light {name!r} gives the product's middle no light and is left out")
    if len(made) > PANELS_MAX:
        warn(f"there are {len(made)} lights: the {PANELS_MAX} that give the most light are kept")
        made = sorted(made, key=lambda panel: -panel.irradiance)[:PANELS_MAX]
    return [line for panel in made for line in panel.lines(camera_deg)]


def world(scene, out, has_panels):
    """Radiance of the world when it is uniform, or the file of its map; its strength, and how far the map is turned."""
    dark = (0.0, None, 1.0, 0.0)
    if scene.world is None:
        return dark
    tree = scene.world.node_tree
    output = tree.get_output_node("CYCLES") if tree else None
    if output is None:
        return luminance(scene.world.color), None, 1.0, 0.0
    nodes = upstream(output, "Surface")
    backgrounds = [node for node in nodes if node.type == "BACKGROUND"]
    if not backgrounds:
        if nodes:
            warn(f"the world's node {nodes[0].type} has no counterpart: the world gives no light")
        return dark
    background = backgrounds[0]
    if nodes[0] != background:
        warn(f"the world's node {nodes[0].type} has no counterpart: of {len(backgrounds)} backgrounds {background.name!r} counts, in full")
    if output.inputs["Volume"].links:
        warn("the world's volume has no counterpart")
    strength = background.inputs["Strength"].default_value
    driven = next((link.from_node for link in background.inputs["Strength"].links), None)
    if driven is not None and driven.type == "VALUE":
        strength = driven.outputs[0].default_value
    elif driven is not None:
        warn(f"the world's strength comes from the node {driven.type}: 1 is taken")
        strength = 1.0
    if strength <= 0.0:
        return dark
    link = next(iter(background.inputs["Color"].links), None)
    node = link.from_node if link else None
    if node is None or node.type == "RGB":
        color = node.outputs[0].default_value if node else background.inputs["Color"].default_value
        if max(color[:3]) - min(color[:3]) > 0.02:
            warn("the world's colour becomes its brightness")
        return strength * luminance(color), None, 1.0, 0.0
    if node.type != "TEX_ENVIRONMENT" or node.image is None:
        warn(f"the world's node {node.type} has no counterpart: the world gives no light")
        return dark
    if has_panels:
        warn("a template has panels or a map: the map of the world is left out")
        return dark
    path = map_path(node, out)
    return (0.0, path, strength, turn_deg(node)) if path else dark


def map_path(node, out):
    """The file of an environment texture as the template names it, or `None` where templates have no such map."""
    image = node.image
    if node.projection != "EQUIRECTANGULAR":
        warn(f"the projection {node.projection} of the environment texture has no counterpart: the map is left out")
        return None
    path = bpy.path.abspath(image.filepath, library=image.library)
    packed = bytes(image.packed_file.data) if image.packed_file else None
    if packed is not None:
        kind = "exr" if packed.startswith(b"\x76\x2f\x31\x01") else "hdr" if packed.startswith(b"#?") else "other"
        path = f"{os.path.splitext(os.path.abspath(out))[0]}_world.{kind}"
    if not path.lower().endswith((".exr", ".hdr")) or image.source != "FILE":
        warn(f"the world's image {image.name!r} is no OpenEXR or HDR file: the map is left out")
        return None
    if packed is not None:
        with open(path, "wb") as file:
            file.write(packed)
        warn(f"the world's image {image.name!r} is packed: written as {path!r}")
    elif not os.path.isfile(path):
        warn(f"the world's image {path!r} is not there: the map is left out")
        return None
    if image.colorspace_settings.name not in LINEAR:
        warn(f"the world's image is {image.colorspace_settings.name}: Packshot reads it as linear Rec.709")
    try:
        path = os.path.relpath(path, os.path.dirname(os.path.abspath(out)))
    except ValueError:
        # On another drive of Windows.
        path = os.path.abspath(path)
    return path.replace(os.sep, "/")


def turn_deg(node):
    """How far the map is turned, where its mapping does no more than that."""
    link = next(iter(node.inputs["Vector"].links), None)
    if link is None or is_generated(link):
        return 0.0
    mapping = link.from_node
    if mapping.type == "MAPPING" and mapping.vector_type in {"POINT", "TEXTURE"}:
        keys = ("Location", "Rotation", "Scale")
        location, rotation, scale = (
            mapping.inputs[key].default_value if key in mapping.inputs else (0.0, 0.0, 0.0) for key in keys)
        source = next(iter(mapping.inputs["Vector"].links), None)
        is_plain = not any(mapping.inputs[key].links for key in keys if key in mapping.inputs)
        if (is_plain and source and is_generated(source) and not any(location) and not any(rotation[:2])
                and max(abs(side - 1.0) for side in scale) < 1e-6):
            turn = math.degrees(rotation[2])
            return (turn if mapping.vector_type == "TEXTURE" else -turn) % 360.0
    warn("the mapping of the environment texture is not read: set `rotation_deg` by hand")
    return 0.0


def is_generated(link):
    return link.from_node.type == "TEX_COORD" and link.from_socket.name == "Generated"


def lines(scene, lights, center, camera_deg, cone, out):
    made = panels(lights, center, camera_deg, cone)
    radiance, path, strength, turn = world(scene, out, bool(made))
    if path:
        ev = math.log2(strength)
        if abs(ev) > EV_MAX:
            warn(f"the world's strength of {ev:.1f} EV is beyond ±{EV_MAX:.0f}")
        found = ["", "[light]", f"map = {quoted(path)}"]
        found += [f"exposure_ev = {min(max(ev, -EV_MAX), EV_MAX):.4f}"] if ev else []
        return found + ([f"rotation_deg = {turn:.4f}"] if turn else [])
    if radiance > DOME_MAX:
        warn(f"the world's radiance of {radiance:.0f} is beyond {DOME_MAX:.0f}")
    levels = [f"{level} = {min(radiance, DOME_MAX):.6f}" for level in ("zenith", "horizon", "table", "nadir")]
    return ["", "[light.dome]", *levels, *made]


def quoted(value):
    """A text of TOML; control characters are left out, and what is no Unicode is replaced."""
    value = "".join(c for c in value if c >= " " and not "\x7f" <= c <= "\x9f").encode("utf-8", "replace").decode()
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
