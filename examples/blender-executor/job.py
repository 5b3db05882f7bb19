"""From a job of Packshot's service to the shot that Packshot would render: all that decides the picture, in one document (docs/shot.md)."""
import json
import os
import subprocess

# Options that the command calls otherwise than requests do; all others only have `-` for `_`.
COMMAND_NAMES = {"rotate_deg": "rotate", "noise_threshold": "noise"}
# Options of files and machines, which are no part of a shot. This example writes one PNG, whatever `formats` says.
NOT_OF_THE_SHOT = {"engine", "formats", "bit_depth", "exr", "quality", "dpi", "aovs", "device", "max_time_s"}
# The fallback of Packshot's own library; any other needs a library that names it.
OWN_FALLBACK = "STD_059999_FailedMaterial"
FALLBACK_LIBRARY = 'schema = "material-library/1"\n[library]\nid = "FALLBACK"\nversion = "1.0.0"\ncolor_space = "lin_rec709"\nfallback = '
SCHEMAS = ("packshot-shot/1", "packshot-shot/2")


class Refused(Exception):
    """What is wrong, in one sentence."""


def read_job(text):
    try:
        job = json.loads(text)
        missing = {"render_settings", "materials", "glb_path", "output_path"} - job.keys()
    except (ValueError, AttributeError) as error:
        raise Refused(f"the job on stdin is no JSON object: {error}") from None
    if missing:
        raise Refused(f"the job on stdin lacks {', '.join(sorted(missing))}")
    return {"fallback_material": OWN_FALLBACK, **job}


def arguments(settings):
    """Options of a picture as arguments of `packshot render`."""
    words = []
    for name, value in settings.items():
        if name in NOT_OF_THE_SHOT or value in (None, []):
            continue
        option = "--" + COMMAND_NAMES.get(name, name).replace("_", "-")
        # A list of names is an option for each, a list of numbers one option.
        is_numbers = isinstance(value, list) and all(isinstance(each, (int, float)) for each in value)
        value = ",".join(map(str, value)) if is_numbers else value
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, (str, int, float)):
                raise Refused(f"the option `{name}` cannot be passed to packshot: its value is {json.dumps(value)}")
            words.append(f"{option}={str(each).lower() if isinstance(each, bool) else each}")
    return words


def shot_of(job, more, folder):
    """Has Packshot write the shot into `folder`, and reads it. `more` are arguments of the site, such as libraries."""
    (folder / "map.json").write_text(json.dumps({"parts": job["materials"]}))
    command = [os.environ.get("PACKSHOT") or "packshot", "render", job["glb_path"], f"--material-map={folder / 'map.json'}", *more]
    if job["fallback_material"] != OWN_FALLBACK:
        (folder / "fallback").mkdir()
        (folder / "fallback" / "library.toml").write_text(FALLBACK_LIBRARY + json.dumps(job["fallback_material"]), encoding="utf-8")
        command.append(f"--library={folder / 'fallback'}")
    settings, path = job["render_settings"], folder / "shot.json"
    # A dump always renders: here one sample of each pixel, on the processor, and without denoising.
    run([*command, *arguments({**settings, "denoise": "off"}), f"--dump-shot={path}", "--max-time=0.001", "--device=cpu", "--quiet"], path)
    shot, word = checked(json.loads(path.read_text(encoding="utf-8"))), settings.get("denoise") or "auto"
    # A PNG is denoised unless it is `raw`.
    shot["film"]["denoise"] = word == "on" or word == "auto" and shot["view"]["transform"] != "raw"
    return shot


def run(command, made):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace")
    except OSError as error:
        raise Refused(f"packshot cannot be started ({command[0]}: {error.strerror}): put it on PATH, or its path into PACKSHOT") from None
    # A picture of one sample may break the rules of presets: the shot is there. Warnings may come before what is wrong.
    if not made.exists():
        said = " ".join(done.stderr[max(done.stderr.find("error["), 0):].split())
        raise Refused(f"packshot made no shot: {said or f'it ended with {done.returncode}'}")


def checked(shot):
    """Refuses what would be a different picture. What is only finer is left out, as README.md says."""
    if shot["schema"] not in SCHEMAS:
        raise Refused(f"this script reads {' and '.join(SCHEMAS)}, but packshot wrote {shot['schema']}: take the script of the same version")
    geometry, floor = shot["geometry"], shot["floor"] or {}
    ground = floor.get("material")
    openpbr = ground["openpbr"] if isinstance(ground, dict) else shot["materials"].get(ground, {})
    undrawn = {
        "lines (edges, wireframe)": shot.get("lines"),
        "a moment of an animation": geometry.get("pose"),
        "a material variant of the file": geometry.get("variant"),
        "a lookup table": shot["view"].get("lut"),
        "reflections in a ground that is not seen": floor.get("shadow_catcher") and openpbr["specular_weight"],
    }
    for what, is_asked_for in undrawn.items():
        if is_asked_for:
            raise Refused(f"the picture has {what}, which this script does not draw")
    return shot
