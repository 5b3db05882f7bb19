"""What Blender renders of a scene: its lights, the meshes that are the product, and the materials that give light.

In: the scene of the open file. Out: values in world space as the render sees them, which is not what the viewport sees: what is hidden in
renders or excluded from the view layer is absent, what is hidden in viewports alone is there, and modifiers have their level for renders.
"""

import math
import sys

import bpy
import numpy

# A mesh whose box is so many times as long across as that of all others is hardly a part of the same product.
LARGE_TIMES = 3.0
# A mesh is flat when the shortest side of its box is below this share of the longest.
FLAT_SHARE = 1e-3


def warn(message):
    print(f"warning: {message}", file=sys.stderr)


class Collector(bpy.types.RenderEngine):
    """An engine that draws nothing: Blender hands the evaluated scene of a render to engines alone."""

    bl_idname = "PACKSHOT_COLLECTOR"
    bl_label = "Packshot's collector"
    job = None

    def render(self, depsgraph):
        job, Collector.job = Collector.job, None
        if job:
            job(depsgraph)


def rendered_layer(scene):
    """The view layer that counts: the one at work, unless renders leave it out."""
    at_work, used = bpy.context.view_layer, [layer for layer in scene.view_layers if layer.use]
    layer = used[0] if used and not at_work.use else at_work
    if len(used) > 1 or layer != at_work:
        warn(f"of the view layers {layer.name!r} counts")
    return layer


def with_rendered(scene, work):
    """Calls `work` with the dependency graph of a render, and raises what it raises. The scene's settings are as they were meanwhile."""
    # Blender refuses pictures of less than 16 pixels on a side.
    percentage = math.ceil(1600 / min(scene.render.resolution_x, scene.render.resolution_y)) + 1
    # All that would make the empty render large, slow or more than one.
    settings = {"engine": Collector.bl_idname, "resolution_percentage": percentage, "use_compositing": False, "use_sequencer": False,
                "use_multiview": False, "use_freestyle": False, "use_border": False}
    kept = {key: getattr(scene.render, key) for key in settings}
    failures, done = [], []
    stand_in = None

    def restore():
        for key, value in kept.items():
            setattr(scene.render, key, value)

    def job(depsgraph):
        try:
            restore()
            work(depsgraph)
            done.append(True)
        except BaseException as failure:  # Blender would print it and go on.
            failures.append(failure)

    if scene.camera is None:
        stand_in = bpy.data.objects.new("stand-in", bpy.data.cameras.new("stand-in"))
        scene.collection.objects.link(stand_in)
        scene.camera = stand_in
    bpy.utils.register_class(Collector)
    Collector.job = job
    try:
        for key, value in settings.items():
            setattr(scene.render, key, value)
        bpy.ops.render.render(scene=scene.name, layer=rendered_layer(scene).name)
    finally:
        restore()
        bpy.utils.unregister_class(Collector)
        if stand_in:
            bpy.data.objects.remove(stand_in)
    if failures:
        raise failures[0]
    if not done:
        sys.exit("error: Blender did not render the scene")


class Mesh:
    """A mesh as it stands in the world, once per instance."""

    def __init__(self, instance):
        rendered = instance.object
        self.name = rendered.original.name
        self.owners = {rendered.original} | ({instance.parent.original} if instance.is_instance and instance.parent else set())
        local = numpy.empty(3 * len(rendered.data.vertices), numpy.float32)
        rendered.data.vertices.foreach_get("co", local)
        matrix = numpy.array(instance.matrix_world)
        self.points = local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
        self.shines = is_emissive(rendered)
        self.is_seen = rendered.visible_camera and not rendered.is_shadow_catcher and not rendered.is_holdout

    def sides(self):
        return numpy.ptp(self.points, axis=0)


def collect(depsgraph):
    """The meshes that have vertices, and the lights as (object, matrix), in the order of the scene."""
    meshes, lights = [], []
    for instance in depsgraph.object_instances:
        if not instance.show_self:
            continue
        if instance.object.type == "MESH" and len(instance.object.data.vertices):
            meshes.append(Mesh(instance))
        elif instance.object.type == "LIGHT":
            # The iterator's objects live for one step; those of the depsgraph stay.
            lights.append((instance.object.original.evaluated_get(depsgraph), instance.matrix_world.copy()))
    return meshes, lights


def is_emissive(rendered):
    """Whether all materials of an object give light."""
    materials = [slot.material for slot in rendered.material_slots]
    return bool(materials) and all(material and gives_light(material) for material in materials)


def gives_light(material):
    output = material.node_tree.get_output_node("CYCLES") if material.node_tree else None
    return any(shader_gives_light(node) for node in upstream(output, "Surface"))


def upstream(node, socket):
    """The nodes that a socket is computed from, nearest first."""
    waiting = [link.from_node for link in node.inputs[socket].links] if node else []
    seen = []
    while waiting:
        node = waiting.pop(0)
        if node not in seen:
            seen.append(node)
            waiting += [link.from_node for entry in node.inputs for link in entry.links]
    return seen


def shader_gives_light(node):
    names = {"EMISSION": ("Color", "Strength"), "BSDF_PRINCIPLED": ("Emission Color", "Emission Strength")}.get(node.type)
    if names is None:
        return False
    color, strength = (node.inputs[name] for name in names)
    return bool((strength.links or strength.default_value > 0) and (color.links or max(color.default_value[:3]) > 0))


def named(names):
    """The objects that are meant: those of collections, and objects with their children."""
    wanted = set()
    for name in names:
        collection, thing = bpy.data.collections.get(name), bpy.data.objects.get(name)
        if collection is None and thing is None:
            sys.exit(f"error: --product {name!r}: no collection or object has this name")
        roots = list(collection.all_objects if collection else []) + ([thing] if thing else [])
        wanted.update(child for root in roots for child in (root, *root.children_recursive))
    return wanted


def product(meshes, names):
    """The meshes that are the product: those that are named, or else all that the camera sees and that are no lamps."""
    if names:
        wanted = named(names)
        chosen = [mesh for mesh in meshes if mesh.owners & wanted]
        if not chosen:
            sys.exit(f"error: --product {', '.join(names)}: no mesh of it is rendered")
        for name in sorted({mesh.name for mesh in meshes if mesh.shines and not mesh.owners & wanted}):
            warn(f"mesh {name!r} is a lamp, whose light templates do not have")
        return chosen
    chosen = meshes
    for left_out, why in ((lambda mesh: not mesh.is_seen, "no surface that the camera sees"),
                          (lambda mesh: mesh.shines, "a lamp, whose light templates do not have")):
        kept = [mesh for mesh in chosen if not left_out(mesh)]
        if not kept:
            break
        for name in sorted({mesh.name for mesh in chosen if left_out(mesh)}):
            warn(f"mesh {name!r} is {why}: it is not counted as product; --product says what is")
        chosen = kept
    for name, what in odd_ones(chosen):
        warn(f"mesh {name!r} is {what} and counts as product, as all {len(chosen)} meshes do: "
             "it changes `fill` and the directions of lights; --product says what the product is")
    return chosen


def odd_ones(meshes):
    """Names of meshes that look like a floor or a backdrop, and why."""
    if len(meshes) < 2:
        return
    lows, highs = (numpy.array([f(mesh.points, axis=0) for mesh in meshes]) for f in (numpy.min, numpy.max))
    told = set()
    for i, mesh in enumerate(meshes):
        others = numpy.arange(len(meshes)) != i
        rest = numpy.linalg.norm(highs[others].max(axis=0) - lows[others].min(axis=0))
        across = numpy.linalg.norm(mesh.sides())
        if mesh.name in told or across <= rest:
            continue
        told.add(mesh.name)
        if thickness_share(mesh.points) < FLAT_SHARE:
            yield mesh.name, "flat and larger than the rest"
        elif across > LARGE_TIMES * rest:
            yield mesh.name, f"{across / rest:.0f} times as large as the rest"
        else:
            told.discard(mesh.name)


def thickness_share(points):
    """How thick a cloud of points is across the plane that fits it best, beside its longest extent."""
    _, _, axes = numpy.linalg.svd(numpy.cov(points.T)) if len(points) > 1 else (0, 0, numpy.eye(3))
    extents = numpy.ptp(points @ axes.T, axis=0)
    return extents.min() / max(extents.max(), 1e-30)
