"""A material of OpenPBR as a shader of Blender's Cycles. The benchmark's program for Cycles has it too."""
import bpy
import numpy as np


def shader(name, m):
    """A material of OpenPBR: a mixture of an opaque one and a clear one, which have colours of their own. Mostly it is one of them."""
    material = bpy.data.materials.new(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    output, clear = nodes.new("ShaderNodeOutputMaterial"), m["transmission_weight"] * (1 - m["base_metalness"])
    if clear in (0, 1):
        links.new(principled(nodes, m, bool(clear)).outputs[0], output.inputs["Surface"])
        return material
    mix = nodes.new("ShaderNodeMixShader")
    mix.inputs[0].default_value = clear
    for is_clear in (False, True):
        links.new(principled(nodes, m, is_clear).outputs[0], mix.inputs[1 + is_clear])
    links.new(mix.outputs[0], output.inputs["Surface"])
    return material


def principled(nodes, m, is_clear):
    node = nodes.new("ShaderNodeBsdfPrincipled")
    node.distribution = "MULTI_GGX"
    base = m["base_weight"] * np.array(m["base_color"])
    under_coat = share_under_coat(m, base)
    # Cycles tints by the root of the colour wherever light passes the surface.
    color = np.square(m["transmission_color"]) if is_clear else base * under_coat
    values = {
        "Base Color": color, "Metallic": 0 if is_clear else m["base_metalness"], "Diffuse Roughness": m["base_diffuse_roughness"],
        "Roughness": m["specular_roughness"], "IOR": m["specular_ior"], "Alpha": m["geometry_opacity"], "Transmission Weight": is_clear,
        "Specular IOR Level": m["specular_weight"] / 2 * np.mean(under_coat), "Specular Tint": m["specular_color"],
        "Coat Weight": m["coat_weight"], "Coat Roughness": m["coat_roughness"], "Coat IOR": m["coat_ior"], "Coat Tint": m["coat_color"],
        "Sheen Weight": m["fuzz_weight"], "Sheen Roughness": m["fuzz_roughness"], "Sheen Tint": m["fuzz_color"],
        "Emission Color": m["emission_color"], "Emission Strength": m["emission_luminance"],
    }
    for name, value in values.items():
        node.inputs[name].default_value = (*value, 1) if np.ndim(value) else float(value)
    return node


def share_under_coat(m, color):
    """OpenPBR's coat throws light back onto what it covers, which looks darker for it. Blender's does not: colour and gloss are less there."""
    if not m["coat_weight"]:
        return np.ones(3)
    index, cosine = m["coat_ior"], (np.arange(256) + 0.5) / 256
    g = np.sqrt(index * index - 1 + cosine * cosine)
    fresnel = 0.5 * ((g - cosine) / (g + cosine)) ** 2 * (1 + ((cosine * (g + cosine) - 1) / (cosine * (g - cosine) + 1)) ** 2)
    from_smooth, from_rough = ((index - 1) / (index + 1)) ** 2, 1 - (1 - np.mean(2 * cosine * fresnel)) / index ** 2
    back = from_smooth + (from_rough - from_smooth) * (1 + (m["specular_roughness"] - 1) * m["base_metalness"])
    return 1 + m["coat_weight"] * m["coat_darkening"] * ((1 - back) / (1 - back * color) - 1)
