"""Orders over HTTP alone, as a newcomer makes them: three files with their thumbnails, three products whose parts have
materials, 20 lines, one stream of events, all pictures saved; then an order that is rejected while it renders, and
resubmitted. Prints Markdown: the time from the dispatch to the end, and which share of it is not rendering. Exit code 1:
something is missing or wrong, a part is magenta, or the share is over 5 %.

    story.py PACKSHOT ASSETS FOLDER [--size 512] [--samples 32] [--max-overhead 0.05]
"""
import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

PRODUCTS = ["bearing_6205", "gear_reducer", "screw_M8x30"]

# How long anything that is asked for again and again may take.
PATIENCE_S = 120

# What parts are made of, by words of their names; the first that fits counts. What has none is bare steel.
MATERIALS = {
    "STD_020301_NBR-Black": "seal dichtring flachdichtung simmerring rwdr",
    "STD_010501_Brass-CuZn30": "cage",
    "STD_010403_Alu-DieCast": "gehäuse deckel",
    "STD_030201_Zinc-Plated": "din iso schraube 4762 933",
    "STD_040101_Glass-Boro": "ölschauglas",
    "STD_040301_Label-Paper": "typenschlid",
    "STD_010102_Steel-Ground": "welle ritzel stirnrad zahnrad ring ball",
}

p = argparse.ArgumentParser()
p.add_argument("packshot")
p.add_argument("assets", type=Path)
p.add_argument("folder", type=Path)
p.add_argument("--size", type=int, default=512)
p.add_argument("--samples", type=int, default=32)
p.add_argument("--max-overhead", type=float, default=0.05)
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


def upload(path, file):
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'.encode()
    return call("POST", path, head + file.read_bytes() + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}")


def events(path):
    """Every event of a stream until it closes: its name and its data."""
    with urllib.request.urlopen(base + path, timeout=3600) as stream:
        name = None
        for line in stream:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:])


def material(part):
    fitting = (id for id, words in MATERIALS.items() if any(word in part.lower() for word in words.split()))
    return next(fitting, "STD_010101_Steel-Bare")


def wait(what, path, state, is_so):
    """The state of what is at a path, once it is as wanted. Ends everything when it does not become so: what failed
    would be waited for without an end."""
    until = time.monotonic() + PATIENCE_S
    while not is_so(now := state(call("GET", path))):
        if time.monotonic() > until:
            sys.exit(f"{what}: not within {PATIENCE_S} s; the last state: {now}")
        time.sleep(0.02)
    return now


def thumbnail(file):
    """The thumbnail of a CAD file, rendered and saved."""
    path = f"/api/v1/cad-files/{file['id']}"
    call("POST", f"{path}/regenerate-thumbnail", {})
    made = wait(f"a thumbnail of {file['original_name']}", path,
                lambda file: {name: file[name] for name in ("thumbnail_asset_id", "status", "job_doc")},
                lambda made: made["thumbnail_asset_id"])
    return call("GET", f"/api/media/assets/{made['thumbnail_asset_id']}")


def render_statuses(order):
    return [line["render_status"] for line in order["lines"]]


def save(asset, stem):
    """Saves a media asset, compared with what the service says of it. Returns its size."""
    with urllib.request.urlopen(base + asset["links"]["content"], timeout=60) as answer:
        content, digest = answer.read(), answer.headers["Repr-Digest"]
    expected = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
    if len(content) != asset["size_bytes"] or digest != expected:
        faults.append(f"{asset['file_name']}: {len(content)} bytes of {asset['size_bytes']}, {digest}")
    (a.folder / stem).with_suffix(Path(asset["file_name"]).suffix).write_bytes(content)
    return len(content)


service = subprocess.Popen(
    [a.packshot, "serve", "--data", str(a.folder / "data"), "--listen", "127.0.0.1:0", "--device", "cpu"],
    stdout=subprocess.PIPE, stderr=open(a.folder / "service.log", "w"), text=True)
try:
    base = next(found for found in map(lambda line: re.search(r"http://[^ /]+", line), service.stdout) if found).group()

    # A part of the gear reducer has no name; the file gives it this material.
    call("POST", "/api/v1/material-aliases", {"alias": "mat_5", "scope": "material", "material_id": "STD_010102_Steel-Ground"})
    products, thumbnails = [], []
    for name in PRODUCTS:
        file = upload("/api/v1/cad-files", a.assets / f"{name}.glb")
        worn = [{"part_name": part, "material": material(part)} for part in file["parsed_objects"]["objects"] if part]
        new = {"pim_id": name, "name": name.replace("_", " "), "cad_file_id": file["id"], "cad_part_materials": worn}
        products.append(call("POST", "/api/v1/products", new))
        # In the materials of its product.
        thumbnails.append(thumbnail(file))
    look = {"samples": a.samples, "noise_threshold": 0}
    still = {"width": a.size, "height": a.size, **look}
    kinds = {
        "Still": ("still", still),
        "Still from the side": ("still", {**still, "view": "right"}),
        "Turntable": ("turntable", {"width": a.size // 2, "height": a.size // 2, "frame_count": 24, "formats": ["mp4"], **look}),
        "Small": ("still", {"width": a.size // 2, "height": a.size // 2, **look}),
    }
    types = {name: call("POST", "/api/v1/output-types", {"name": name, "kind": kind, "render_settings": settings})
             for name, (kind, settings) in kinds.items()}
    wanted = [(product, name) for name in ("Still", "Still from the side", "Small") for product in products * 2]
    wanted += [(products[0], "Turntable"), (products[1], "Small")]
    lines = [{"product_id": product["id"], "output_type_id": types[name]["id"]} for product, name in wanted]
    order = call("POST", "/api/orders", {"notes": "spring catalogue", "lines": lines})
    call("POST", f"/api/orders/{order['id']}/submit", {})

    began = time.monotonic()
    call("POST", f"/api/orders/{order['id']}/dispatch", {})
    seen = {}
    for name, data in events(f"/api/orders/{order['id']}/events"):
        seen[name] = seen.get(name, 0) + 1
    wall_s = time.monotonic() - began

    done = call("GET", f"/api/orders/{order['id']}")
    if done["status"] != "completed" or done["line_counts"]["completed"] != len(lines):
        faults.append(f"the order is {done['status']} with {done['line_counts']}")
    steps = [step for line in done["lines"] for step in line["render_job_doc"]["steps"]]
    rendering_s = sum(step["duration_s"] for step in steps if step["name"].startswith("render_"))
    magenta = sum(step["output"]["unmapped"] for step in steps if "unmapped" in (step["output"] or {}))
    if magenta:
        faults.append(f"{magenta} parts are magenta")
    sizes = [save(asset, f"thumbnail_{name}") for name, asset in zip(PRODUCTS, thumbnails)]
    names = {product["id"]: product["pim_id"] for product in products}
    for number, line in enumerate(done["lines"]):
        for asset_id in line["asset_ids"]:
            sizes.append(save(call("GET", f"/api/media/assets/{asset_id}"), f"{number:02}_{names[line['product_id']]}"))
    told = call("GET", "/api/notifications?event_type=order.rendering_complete")["items"]

    # Turntables come first: small stills would be over before the order can be rejected.
    turntable = {"product_id": products[0]["id"], "output_type_id": types["Turntable"]["id"]}
    second = call("POST", "/api/orders", {"lines": [turntable, turntable, *lines[:4]]})
    path = f"/api/orders/{second['id']}"
    call("POST", f"{path}/submit", {})
    call("POST", f"{path}/dispatch", {})
    wait("the second order begins to render", path, render_statuses, lambda now: "processing" in now)
    began = time.monotonic()
    call("POST", f"{path}/reject", {"reason": "the wrong housing"})
    wait("the rejected order stops", path, render_statuses, lambda now: not {"pending", "processing"} & set(now))
    stopped_s = time.monotonic() - began
    call("POST", f"{path}/resubmit", {})
    call("POST", f"{path}/submit", {})
    call("POST", f"{path}/dispatch", {})
    for _ in events(f"{path}/events"):
        pass
    again = call("GET", path)
    changes = [change["to_status"] for change in call("GET", f"{path}/history")["items"]]
    if changes != ["submitted", "processing", "rejected", "draft", "submitted", "processing", "completed"]:
        faults.append(f"the second order went {changes}")
    if again["line_counts"]["completed"] != 6:
        faults.append(f"the second order has {again['line_counts']}")
finally:
    service.terminate()
    service.wait()

overhead = (wall_s - rendering_s) / wall_s
if overhead > a.max_overhead:
    faults.append(f"{overhead:.1%} of the time is not rendering")
if len(told) != 1:
    faults.append(f"{len(told)} notifications of one order")
print(f"{len(lines)} lines of {len(products)} products ({', '.join(PRODUCTS)}): stills of {a.size}² and {a.size // 2}², a turntable of 24 frames of "
      f"{a.size // 2}², {a.samples} samples, and a thumbnail of each file. {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB, saved over HTTP.\n")
print("| figure | value |\n|---|---|")
print(f"| from the dispatch to the end of the stream | {wall_s:.2f} s |")
print(f"| of it rendering (the `render_…` steps of all jobs) | {rendering_s:.2f} s |")
print(f"| of it anything else | {overhead:.1%} (allowed: {a.max_overhead:.0%}) |")
print(f"| events of the stream | {', '.join(f'{name} {n}' for name, n in sorted(seen.items()))} |")
print(f"| notifications | {len(told)}: {told[0]['message'] if told else '-'} |")
print(f"| an order rejected while it renders: until nothing of it renders | {stopped_s:.2f} s |")
print(f"| the same order resubmitted | {again['status']}, {again['line_counts']['completed']} of 6 lines |")
for fault in faults:
    print(f"\n**{fault}**")
sys.exit(1 if faults else 0)
