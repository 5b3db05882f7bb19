"""How a site leaves Blender: four products rendered by Blender, as an executor of the service, with Packshot as their
shadow; then Packshot takes over, and gives back. And one product that Blender renders wrong on purpose, in four ways.
Prints Markdown: FLIP, mean pixel difference and verdict of each pair. Exit code 1: a right pair does not pass, a wrong
one does, or the switch does not do what it should.

    story.py PACKSHOT PYTHON EXECUTOR ASSETS FOLDER [--size 512] [--samples 256] [--only bearing_6205 ...]
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

PRODUCTS = ["bearing_6205", "cylindrical_roller_NU205", "screw_M8x30", "gear_reducer"]
WRONG = {
    "part": "a seal is missing",
    "material": "rings of brass",
    "darker": "half a stop darker",
    "turned": "the camera 1° further round",
}
# What parts are made of, by words of their names; the first that fits counts. What has none is bare steel. None of
# these materials has a structure finer than a pixel, which Blender does not draw.
MATERIALS = {
    "STD_020301_NBR-Black": "seal dichtring flachdichtung simmerring rwdr",
    "STD_010501_Brass-CuZn30": "cage",
    "STD_030201_Zinc-Plated": "din iso schraube 4762 933",
}
STEEL = "STD_010101_Steel-Bare"
CAMERA = {"azimuth_deg": 30, "elevation_deg": 20}
# How long one picture of Blender and what follows from it may take.
PATIENCE_S = 900

p = argparse.ArgumentParser()
p.add_argument("packshot")
p.add_argument("python")
p.add_argument("executor", type=Path)
p.add_argument("assets", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--size", type=int, default=512)
p.add_argument("--samples", type=int, default=256)
p.add_argument("--only", nargs="+", default=PRODUCTS)
a = p.parse_args()
a.folder.mkdir(parents=True, exist_ok=True)
faults = []


def call(method, path, body=None, content_type="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Content-Type": content_type} if data else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            text = answer.read()
    except urllib.error.HTTPError as refused:
        sys.exit(f"{method} {path}: {refused.code}: {refused.read().decode()}")
    return json.loads(text) if text else None


def upload(file):
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'.encode()
    body = head + file.read_bytes() + f"\r\n--{mark}--\r\n".encode()
    return call("POST", "/api/v1/cad-files", body, f"multipart/form-data; boundary={mark}")


def material(part):
    fitting = (id for id, words in MATERIALS.items() if any(word in part.lower() for word in words.split()))
    return next(fitting, STEEL)


def product(name):
    file = upload(a.assets / f"{name}.glb")
    worn = [{"part_name": part, "material": material(part)} for part in file["parsed_objects"]["objects"] if part]
    return call("POST", "/api/v1/products",
                {"pim_id": name, "name": name.replace("_", " "), "cad_file_id": file["id"], "cad_part_materials": worn})


def output_type(name, executor, workflow):
    settings = {"width": a.size, "height": a.size, "samples": a.samples, "noise_threshold": 0, "look": "blender-5.0", **CAMERA}
    return call("POST", "/api/v1/output-types",
                {"name": name, "render_settings": settings, "legacy_executor": executor,
                 "workflow_definition_id": workflow, "rollout_gate": {"metric": "flip"}})


def dispatched(product, output_type):
    """A line of a new order, dispatched: the line and the result of the dispatch."""
    lines = [{"product_id": product["id"], "output_type_id": output_type["id"]}]
    line = call("POST", "/api/orders", {"lines": lines})["lines"][0]
    return line, call("POST", f"/api/v1/order-lines/{line['id']}/dispatch", {})


def wait(what, path, is_so):
    until = time.monotonic() + PATIENCE_S
    while not is_so(now := call("GET", path)):
        if time.monotonic() > until:
            sys.exit(f"{what}: not within {PATIENCE_S} s; the last state: {now}")
        time.sleep(0.2)
    return now


def ended(line):
    done = wait("the line", f"/api/v1/order-lines/{line['id']}", lambda line: line["render_status"] in ("completed", "failed"))
    if done["render_status"] == "failed":
        sys.exit(f"a line failed: {done['render_job_doc']['error']}")
    return done


def compared(name, product, output_type):
    """The comparison of a line with its shadow; its pictures are saved."""
    line, result = dispatched(product, output_type)
    if result["rollout_gate_status"] != "pending_shadow_verdict":
        sys.exit(f"{name}: {result}")
    path = f"/api/workflows/runs/{result['shadow_workflow_run_id']}"
    ended(line)
    found = wait(name, f"{path}/comparison", lambda found: found["rollout_gate"]["verdict"])
    for picture in ("authoritative", "observer", "flip"):
        with urllib.request.urlopen(f"{base}{path}/comparison/{picture}", timeout=60) as answer:
            (a.folder / f"{name}-{picture}.png").write_bytes(answer.read())
    return found


def row(what, found):
    gate = found["rollout_gate"]
    print(f"| {what} | {found['mean_flip']:.4f} | {found['mean_pixel_delta']:.5f} | {gate['verdict']} |")
    return gate["verdict"]


command = [a.python, str(a.executor.resolve())]
executors = {"blender": command} | {kind: [a.python, str(Path(__file__).resolve().with_name("wrong.py")), kind, *command] for kind in WRONG}
config = 'legacy_executor = "blender"\n' + "".join(
    f'\n[legacy_executors.{name}]\nkind = "command"\ncommand = {json.dumps(command)}\n' for name, command in executors.items())
(a.folder / "packshot.toml").write_text(config)
service = subprocess.Popen(
    [a.packshot, "serve", "--config", str(a.folder / "packshot.toml"), "--data", str(a.folder / "data"),
     "--listen", "127.0.0.1:0", "--device", "cpu"],
    env={**os.environ, "PACKSHOT": a.packshot}, stdout=subprocess.PIPE, stderr=open(a.folder / "service.log", "w"), text=True)
try:
    base = next(found for found in map(lambda line: re.search(r"http://[^ /]+", line), service.stdout) if found).group()
    graph = lambda mode: {"name": "Still", "config": {"type": "still", "ui": {"execution_mode": mode}}}
    workflow = call("POST", "/api/workflows", graph("shadow"))["id"]
    products = {name: product(name) for name in a.only}

    print(f"Stills of {a.size}², {a.samples} samples, rendered by Blender 5.0.1 (Cycles) and by Packshot as its shadow, `look: \"blender-5.0\"`, each "
          "denoised by its own denoiser, in library materials without fine structure; the gate by FLIP passes up to 0.05 and warns up to 0.1.\n")
    print("| picture | FLIP | mean pixel difference | verdict |\n|---|---|---|---|")
    of_blender = output_type("By Blender", "blender", workflow)
    for name in a.only:
        found = compared(name, products[name], of_blender)
        if row(name, found) != "pass":
            faults.append(f"{name} does not pass: {found['rollout_gate']['reasons']}")
    first = a.only[0]
    for kind, words in WRONG.items():
        found = compared(f"wrong-{kind}", products[first], output_type(words, kind, workflow))
        if row(f"{first}, {words}", found) == "pass":
            faults.append(f"{words}: it passes")

    # The switch, and back.
    call("PUT", f"/api/workflows/{workflow}", graph("graph"))
    line, result = dispatched(products[first], of_blender)
    asset = call("GET", f"/api/media/assets/{ended(line)['asset_ids'][0]}")
    observed = call("GET", f"/api/v1/order-lines/{line['id']}")["render_job_doc"]["result"]["engine_used"]
    if (result["backend"], result["rollout_gate_status"], observed) != ("workflow_graph", "graph_authoritative", "path_tracer"):
        faults.append(f"after the switch: {result['backend']}, {result['rollout_gate_status']}, {observed}")
    call("PUT", f"/api/workflows/{workflow}", graph("legacy"))
    line, result = dispatched(products[first], of_blender)
    engine = ended(line)["render_job_doc"]["result"]["engine_used"]
    if engine != "blender":
        faults.append(f"after the way back: {result['backend']}, {engine}")
    print(f"\nThe switch: in mode `graph` the line of {first} was `graph_authoritative`, rendered by `{observed}` ({asset['size_bytes']} bytes); back in mode `legacy` by `{engine}`.")
finally:
    service.terminate()
    service.wait()
for fault in faults:
    print(f"\n**{fault}**")
sys.exit(1 if faults else 0)
