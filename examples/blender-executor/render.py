"""Blender as an external executor of Packshot's service: a job on stdin, a PNG at its `output_path`. Arguments go to `packshot render`."""
import sys
import tempfile
from pathlib import Path

# The service need not be able to write where this file is.
sys.dont_write_bytecode = True

from job import Refused, read_job, shot_of  # noqa: E402

try:
    # First, because it brings mathutils.
    import bpy  # noqa: F401
    import product
    import scene
except ImportError as error:
    sys.exit(f"blender executor: this Python has no Blender ({error}): with Python 3.11, run `pip install bpy==5.0.1`")


def main():
    job = read_job(sys.stdin.read())
    settings, output = job["render_settings"], Path(job["output_path"]).absolute()
    # Beside the picture: what a killed script leaves goes with the folder of its job.
    with tempfile.TemporaryDirectory(dir=output.parent) as name:
        folder = Path(name)
        shot = shot_of(job, sys.argv[1:], folder)
        glb, environment = folder / "dressed.glb", folder / shot["environment"].get("path", "")
        product.dress(folder / shot["geometry"]["path"], shot, glb)
        scene.draw(shot, (glb, environment), output, 16 if settings.get("bit_depth") == 16 else 8, settings.get("max_time_s") or 0)


try:
    main()
except Refused as refused:
    sys.exit(f"blender executor: {refused}")
except Exception as error:
    # One sentence for the order line, whatever it was.
    sys.exit(f"blender executor: the picture could not be drawn: {type(error).__name__}: {' '.join(str(error).split())}")
