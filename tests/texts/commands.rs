//! Commands that go wrong, and what they say.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use rayon::prelude::*;

use crate::Text;
use crate::files::{BROKEN_PRODUCTS, write_packages, write_shots};

/// Options of a picture that takes a moment.
const TINY: &str = "--width 16 --height 16 --samples 1 --denoise off";

/// Commands that others need to have run.
const BEFORE: [&str; 4] = [
    "map init boxes.glb -o there.json",
    "turntable boxes.glb --frames 2 -o turn/ TINY",
    "render boxes.glb -o shot.png --map-by part --dump-shot shot.json TINY",
    "render boxes.glb -o brass.png --dump-shot brass.json TINY",
];

/// Commands that go wrong. Of several with one code the first gives the example.
const WRONG: &[&str] = &[
    // Usage
    "render boxes.glb --heigth 1000",
    "rendr boxes.glb",
    "render boxes.glb --view front --azimuth-deg 30",
    "render boxes.glb --view sideways",
    "render",
    "render boxes.glb --hide *",
    "worker",
    // Products
    "render BROKEN",
    "render gone.glb",
    "render boxes.glb --variant Red",
    "render animated.gltf --animation Spin",
    "render boxes.glb --time 1",
    // Designs
    "render boxes.glb --design gone.png --on Lid",
    "render boxes.glb --design large.json --on Lid",
    "render boxes.glb --design text.png --on Lid",
    "render boxes.glb --design logo-small.png --on Lid",
    "render boxes.glb --design logo-cut.png --on Lid",
    "render boxes.glb --design logo-moving.png --on Lid",
    "render boxes.glb --design logo-inks.jpg --on Lid",
    "render boxes.glb --design logo-clear.png --on Lid",
    "render boxes.glb --design logo.svg --on Lid",
    "render boxes.glb --design logo.png --on Lit",
    "render twins.gltf --design logo.png --on Base",
    "render boxes.glb --design logo.png",
    "render boxes.glb --design logo.png --on Lid --place mapping=uv",
    "render boxes.glb --design logo.png --on Lid --place preset=wrap",
    "render boxes.glb --design logo.png --on Lid --place width=wide",
    "render boxes.glb --design logo.png --on Lid --place x=10,width=8,strict",
    "render boxes.glb --design logo.png --on Lid --place x=500",
    // Materials
    "render boxes.glb --material-map faults.json",
    "render boxes.glb --material-map cut.json",
    "render boxes.glb --material-map gone.json",
    "render boxes.glb --material-map large.json",
    "render boxes.glb --material Base=Steel --on-unmapped fail",
    "materials show Steal",
    "materials validate gone",
    "materials validate no-library",
    "materials validate lib-syntax",
    "materials validate lib-header",
    "materials validate lib-schema",
    "materials validate lib-id",
    "materials validate lib-version",
    "materials validate lib-color",
    "render boxes.glb --library lib-extends",
    "render boxes.glb --library lib-fallback",
    "materials validate lib-code",
    "materials validate lib-name",
    "materials validate lib-alias",
    "materials validate lib-status",
    "materials validate lib-type",
    "materials validate lib-range",
    "materials validate lib-missing",
    "materials validate lib-field",
    "materials validate lib-twice",
    "materials validate lib-rule",
    "render boxes.glb --library lib-shadow",
    "render boxes.glb --library lib-name-twice",
    "render boxes.glb --library lib-alias-twice",
    "materials validate lib-large",
    "render boxes.glb --library lib-unknown",
    "materials validate lib-texture",
    "materials validate lib-texture-changed",
    // Shots, environment maps, colour tables, templates
    "render --shot shot-syntax.json",
    "render --shot shot-schema.json",
    "render --shot shot-missing.json",
    "render --shot shot-type.json",
    "render --shot shot-range.json",
    "render --shot shot-conflict.json",
    "render --shot shot-member.json",
    "render --shot shot-unsupported.json",
    "render --shot shot-material.json",
    "render --shot shot-file.json",
    "render --shot shot-changed.json",
    "render --shot shot-texture.json",
    "render --shot shot-large.json",
    "render boxes.glb --camera Front",
    "render boxes.glb --dof 4 --focus Rng",
    "render boxes.glb --crop-to Rng",
    "render boxes.glb --light gone.hdr",
    "render boxes.glb --light text.hdr",
    "render boxes.glb --light square.hdr",
    "render boxes.glb --lut gone.cube",
    "render boxes.glb --lut words.cube",
    "render boxes.glb --lut size.cube",
    "render boxes.glb --lut count.cube",
    "render boxes.glb --lut domain.cube",
    "render boxes.glb --lut nan.cube",
    "render boxes.glb --lut large.cube",
    "template validate gone.toml",
    "template validate cut.toml",
    "template validate schema.toml",
    "template validate faults.toml",
    "template validate nameless.toml",
    "render boxes.glb --template material.toml",
    "template validate large.toml",
    // Devices and memory
    "render boxes.glb --device vega",
    "render boxes.glb --width 8000 --height 8000 --max-memory-bytes 100000000",
    "render boxes.glb --denoise-with oidn -o a.png --width 16 --height 16 --samples 1",
    // Output
    "map init boxes.glb -o there.json",
    "turntable boxes.glb --frames 3 -o turn/ TINY",
    "turntable boxes.glb --frames 2 -o held/ TINY",
    "render boxes.glb -o boxes.glb/a.png TINY",
    "render boxes.glb --width 16384 --height 3000 --samples 1 -o a.webp",
    "turntable boxes.glb --frames 2 --width 33 --height 33 --samples 1 -o b.mp4",
    "render boxes.glb --preset google --width 500 --height 500 --fill 0.3 --samples 1 --denoise off -o g.png",
    // What made a picture
    "verify gone.png",
    "verify boxes.glb",
    "verify no-library",
    "verify pack-broken",
    "verify pack",
    "verify shot.png --provenance there.json",
    "verify shot.png --provenance foreign.json",
    "verify shot.png --provenance foreign.json --rerender",
    "verify shot.png --provenance own.json --rerender --scene there.json",
    "verify shot.png --provenance own.json --rerender --scene boxes.glb",
    // The service
    "serve --config gone.toml --check-config",
    "serve --config syntax.toml --check-config",
    "serve --config settings.toml --check-config",
    "serve --config twice.toml --check-config",
    "serve --config roles.toml --check-config",
    "serve --data boxes.glb",
    "serve --data folder --listen TAKEN",
    "serve --data folder2 --listen 192.0.2.1:8080",
    "serve --data other --database-url postgres://127.0.0.1:1/packshot",
    "admin list-keys --data gone",
    "admin migrate --plan --data gone",
    "admin migrate --plan --config url.toml",
    "admin restore gone.zip --data restored",
    "admin restore there.json --data restored-too",
    "client submit boxes.glb --request request.json --url http://127.0.0.1:1 --retry-for 0",
    "client submit boxes.glb --request cut.json --url http://127.0.0.1:1 --retry-for 0",
    "client submit boxes.glb --request gone.json --url http://127.0.0.1:1 --retry-for 0",
    "client submit boxes.glb --request large.json --url http://127.0.0.1:1 --retry-for 0",
    "client order create gone.csv --url http://127.0.0.1:1 --retry-for 0",
    "client order create large.json --url http://127.0.0.1:1 --retry-for 0",
    "client order create boxes.glb --url http://127.0.0.1:1 --retry-for 0",
    "client watch 01934d2e-0000-7000-8000-000000000000 --url http://127.0.0.1:1 --retry-for 0",
];

/// What all of them say on stderr.
pub(crate) fn texts(folder: &Path) -> Vec<Text> {
    for command in BEFORE {
        let (code, stderr) = run(folder, command, "");
        assert_eq!(code, 0, "{command}: {stderr}");
    }
    write_shots(folder);
    write_packages(folder);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("bound").to_string();
    // Another process that renders into the folder holds it so.
    let held = File::open(folder.join("held")).expect("a folder");
    held.try_lock().expect("nobody else has it");
    let texts: Vec<Result<Vec<Text>, String>> = WRONG
        .par_iter()
        .map(|command| {
            let (code, stderr) = run(folder, command, &taken);
            let stderr = stderr.replace(&taken, "127.0.0.1:8080");
            let stderr = stderr.replace(&format!("{}/", folder.display()), "");
            let texts = errors(&stderr, &code.to_string());
            let is_wrong = code != 0 && !texts.is_empty();
            if is_wrong { Ok(texts) } else { Err(format!("{command}: {code}: {stderr}")) }
        })
        .collect();
    let sound: Vec<&String> = texts.iter().filter_map(|texts| texts.as_ref().err()).collect();
    assert!(sound.is_empty(), "commands that do not go wrong: {sound:#?}");
    texts.into_iter().flatten().flatten().collect()
}

fn run(folder: &Path, command: &str, taken: &str) -> (i32, String) {
    let line = command.replace("TINY", TINY).replace("BROKEN", &BROKEN_PRODUCTS.join(" ")).replace("TAKEN", taken);
    let mut command = crate::packshot(folder);
    let output = command.args(line.split_whitespace()).stdin(Stdio::null()).output().expect("the command starts");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).expect("text"))
}

/// The errors in what a command says, with their place and their way out.
pub(crate) fn errors(stderr: &str, ends_with: &str) -> Vec<Text> {
    let mut texts: Vec<Text> = Vec::new();
    // The number of a system's error differs from system to system.
    let without_number = |text: &str| match text.split_once(" (os error ") {
        Some((before, after)) => format!("{before}{}", after.split_once(')').map_or("", |(_, after)| after)),
        None => text.to_owned(),
    };
    for line in stderr.lines().map(without_number) {
        let line = line.as_str();
        let of = |mark: &str| line.strip_prefix(mark).and_then(|rest| rest.split_once("]: "));
        let finding = of("warning[").map(|text| (text, "warning"));
        if let Some(((code, message), ends_with)) = of("error[").map(|text| (text, ends_with)).or(finding) {
            let (code, message) = (code.to_owned(), message.to_owned());
            texts.push(Text { code, ends_with: ends_with.to_owned(), message, at: String::new(), help: String::new() });
        } else if let (Some(text), Some(at)) = (texts.last_mut(), line.strip_prefix("  at: ")) {
            at.clone_into(&mut text.at);
        } else if let (Some(text), Some(help)) = (texts.last_mut(), line.strip_prefix("  help: ")) {
            help.clone_into(&mut text.help);
        }
    }
    texts
}
