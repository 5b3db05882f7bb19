"""A ZIP of many pictures over HTTP: 500 of them sent and fetched again as one, cut off and resumed, checked by the
programs that are installed. Prints Markdown: sizes, times, how much memory the service takes more than before, and which
files it makes meanwhile. Exit code 1: the ZIP is wrong, the service takes more than 32 MiB for it, or makes a file.

    story.py PACKSHOT FOLDER [--files 500]
"""
import argparse
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import urllib.request
import uuid
import zipfile
import zlib
from pathlib import Path

# What the service may take more than before (media.md §7).
MEMORY_KIB_MAX = 32 << 10

p = argparse.ArgumentParser()
p.add_argument("packshot")
p.add_argument("folder", type=Path)
p.add_argument("--files", type=int, default=500)
a = p.parse_args()
a.folder.mkdir(parents=True, exist_ok=True)
faults = []


def noise_png(n, side_px=400):
    """A picture that no compression makes small: 640 kB."""
    rows = b"".join(b"\0" + hashlib.shake_128(struct.pack("<II", n, y)).digest(side_px * 4) for y in range(side_px))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def call(method, path, body=None, headers=()):
    request = urllib.request.Request(base + path, body, dict(headers), method=method)
    with urllib.request.urlopen(request, timeout=600) as answer:
        return answer.read()


def send(name, data):
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + data + f"\r\n--{mark}--\r\n".encode()
    answer = call("POST", "/api/media/assets", body, {"Content-Type": f"multipart/form-data; boundary={mark}"})
    return json.loads(answer)


def memory_kib(word):
    return int(re.search(rf"{word}:\s+(\d+)", Path(f"/proc/{service.pid}/status").read_text()).group(1))


def check(program, *arguments):
    if not shutil.which(program):
        return f"{program} is not installed"
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode:
        faults.append(f"{program}: {done.stderr.strip() or done.stdout.strip()}")
    return f"{program}: {'wrong' if done.returncode else 'whole'}"


data = a.folder / "data"
log = open(a.folder / "service.log", "w")
service = subprocess.Popen([a.packshot, "serve", "--listen", "127.0.0.1:0", "--data", data], stdout=log, stderr=log)
try:
    found = None
    until = time.monotonic() + 60
    while not found:
        if time.monotonic() > until or service.poll() is not None:
            sys.exit("the service does not start: " + (a.folder / "service.log").read_text())
        time.sleep(0.1)
        found = re.search(r"127\.0\.0\.1:[1-9]\d*", (a.folder / "service.log").read_text())
    base = f"http://{found.group(0)}"
    assets = {}
    for n in range(a.files):
        picture = noise_png(n)
        assets[send(f"Bild ü {n}.png", picture)["id"]] = hashlib.sha256(picture).hexdigest()
    body = json.dumps({"asset_ids": list(assets)}).encode()
    made = json.loads(call("POST", "/api/v1/media-downloads", body, {"Content-Type": "application/json"}))
    time.sleep(3)

    tracer = None
    if shutil.which("strace"):
        trace = a.folder / "trace"
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=openat,open,creat,memfd_create", "-o", trace, "-p", str(service.pid)],
                                  stderr=subprocess.DEVNULL)
        time.sleep(1)
    (Path("/proc") / str(service.pid) / "clear_refs").write_text("5")
    before = memory_kib("VmRSS")
    target, began = a.folder / "media.zip", time.monotonic()
    with urllib.request.urlopen(base + made["url"], timeout=600) as answer, open(target, "wb") as out:
        length, tag = int(answer.headers["Content-Length"]), answer.headers["ETag"]
        shutil.copyfileobj(answer, out, 1 << 16)
    took = time.monotonic() - began
    grown = memory_kib("VmHWM") - before
    created = []
    if tracer:
        tracer.terminate()
        tracer.wait()
        created = [line for line in trace.read_text().splitlines() if "O_CREAT" in line or "O_TMPFILE" in line or "memfd" in line]
        faults.extend(f"a file is made: {line}" for line in created)
    if target.stat().st_size != length:
        faults.append(f"{target.stat().st_size} bytes arrived of {length}")
    if grown > MEMORY_KIB_MAX:
        faults.append(f"the service took {grown} KiB more")
    with zipfile.ZipFile(target) as archive:
        sums = sorted(hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist())
        if sums != sorted(assets.values()) or archive.testzip():
            faults.append("the ZIP has other files")
    programs = [check("unzip", "-tq", target), check("bsdtar", "-tf", target), check("7z", "t", target)]

    # Cut at a third, and continued.
    part = a.folder / "part.zip"
    part.write_bytes(target.read_bytes()[: length // 3])
    headers = {"Range": f"bytes={length // 3}-", "If-Range": tag}
    with open(part, "ab") as out:
        out.write(call("GET", made["url"], headers=headers))
    if part.read_bytes() != target.read_bytes():
        faults.append("a resumed download is another one")
finally:
    service.terminate()
    service.wait()

print(f"{a.files} pictures, {length / 1e6:.0f} MB as one ZIP, fetched in {took:.1f} s.\n")
print("| What | Figure |\n|---|---|")
print(f"| memory of the service above what it had before | {grown / 1024:.1f} MiB of {MEMORY_KIB_MAX >> 10} |")
print(f"| files made meanwhile (strace) | {len(created) if tracer else 'not traced'} |")
print(f"| programs | Python: whole; {'; '.join(programs)} |")
print("| cut at a third and resumed | the same bytes |" if not faults else f"| wrong | {'; '.join(faults)} |")
sys.exit(1 if faults else 0)
