"""A shot as Cycles renders it, with the denoiser's quality and prefilter and the pattern of samples chosen:
cycles_denoised.py PEERS QUALITY PREFILTER PATTERN SHOT [options of render_cycles.py]

PEERS is the folder of `render_cycles.py`, whose scene is taken as it is. QUALITY is BALANCED, HIGH or FAST, PREFILTER ACCURATE, FAST or NONE, as Blender names
them; they count with `--denoise` alone. PATTERN is TABULATED_SOBOL, what `render_cycles.py` takes, or BLUE_NOISE, what Blender's default AUTOMATIC means for pictures. Guides are albedo and normal, Blender's default. Needs a Python with bpy.
"""
import pathlib
import sys

peers, quality, prefilter, pattern = sys.argv[1:5]
path = pathlib.Path(peers) / "render_cycles.py"
source = path.read_text()
if not source.rstrip().endswith("\nmain()"):
    raise SystemExit(f"{path} does not end with main(): this script cannot use it")
sys.argv = [str(path), *sys.argv[5:]]
scope = {"__name__": "cycles_denoised", "__file__": str(path), "__doc__": None}
exec(compile(source.rstrip().removesuffix("\nmain()"), str(path), "exec"), scope)
configure = scope["configure"]


def configured(scene):
    configure(scene)
    settings = scene.cycles
    settings.denoiser, settings.denoising_input_passes = "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
    settings.denoising_quality, settings.denoising_prefilter = quality, prefilter
    settings.denoising_use_gpu = False
    settings.sampling_pattern = pattern


scope["configure"] = configured
scope["main"]()
