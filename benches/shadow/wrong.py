"""An executor that renders something else than it was asked for, to see what a rollout gate says of it.

    wrong.py (part|material|darker|turned) PROGRAM ARGUMENT...   with the job of an executor on stdin
"""
import json
import struct
import subprocess
import sys
from pathlib import Path

JSON_CHUNK, BIN_CHUNK = 0x4E4F534A, 0x004E4942
EXPOSURE_EV, TURN_DEG = -0.5, 1.0


def without_a_part(path, word):
    """Takes the mesh of the first node with this word in its name out of a GLB."""
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    document, rest = json.loads(data[20:20 + length]), data[20 + length:]
    node = next(node for node in document["nodes"] if word in node.get("name", "").lower() and "mesh" in node)
    del node["mesh"]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), JSON_CHUNK) + text + rest
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def main():
    kind, *program = sys.argv[1:]
    job = json.load(sys.stdin)
    settings = job["render_settings"]
    if kind == "part":
        without_a_part(Path(job["glb_path"]), "seal_left")
    elif kind == "material":
        for part in job["materials"]:
            if "ring" in part["part_name"].lower():
                part["material"] = "STD_010501_Brass-CuZn30"
    elif kind == "darker":
        settings["exposure_ev"] = settings.get("exposure_ev", 0) + EXPOSURE_EV
    elif kind == "turned":
        settings["azimuth_deg"] = settings["azimuth_deg"] + TURN_DEG
    else:
        sys.exit(f"there is nothing wrong called {kind}")
    sys.exit(subprocess.run(program, input=json.dumps(job), text=True).returncode)


main()
