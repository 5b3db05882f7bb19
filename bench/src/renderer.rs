//! Who renders, and how it is called.
//!
//! Packshot is called as a user calls it. A peer is a Python program of this crate (`bench/peers/`) that renders a
//! [peer scene](crate::peer_scene) with a package of PyPI; nothing of a peer is linked.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use packshot_words::{Word, words};
use serde::Serialize;

use crate::process;
use crate::settings::Settings;
use crate::subject::Subject;

words! {
    /// Another renderer.
    pub enum Peer {
        /// Blender's, by the package bpy
        Cycles = "cycles",
        /// Mitsuba 3 with its LLVM backend
        Mitsuba = "mitsuba",
        /// LuxCoreRender, by the package pyluxcore
        LuxCore = "luxcore",
    }
}

/// The programs of peers and what they share, by file name.
const PROGRAMS: [(&str, &str); 5] = [
    ("scene.py", include_str!("../peers/scene.py")),
    ("cycles.py", include_str!("../peers/cycles.py")),
    ("mitsuba_peer.py", include_str!("../peers/mitsuba_peer.py")),
    ("luxcore.py", include_str!("../peers/luxcore.py")),
    // How Blender shows a material is also what an executor needs that renders with Blender.
    ("openpbr.py", include_str!("../../examples/blender-executor/openpbr.py")),
];

impl Peer {
    /// The file of its program.
    fn program(self) -> &'static str {
        match self {
            Self::Cycles => "cycles.py",
            Self::Mitsuba => "mitsuba_peer.py",
            Self::LuxCore => "luxcore.py",
        }
    }
}

/// The variables that name folders in which renderers keep something; `bench/peers/scene.py` has them too.
const KEEPING: [&str; 8] =
    ["HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "USERPROFILE", "DRJIT_CACHE_DIR", "TMPDIR", "TEMP", "TMP"];

/// A renderer that can be called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Renderer {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Its version.
    pub version: String,
    /// Which peer it is; `None`: Packshot.
    #[serde(skip)]
    pub peer: Option<Peer>,
}

/// A peer that takes no part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missing {
    /// Its name.
    pub name: &'static str,
    /// Whether it is there and does not work.
    pub is_installed: bool,
    /// Why, in one line.
    pub reason: String,
}

/// How the programs of peers end that find their renderer missing.
const NOT_INSTALLED: i32 = 3;
/// How long a peer may take to say its version: it loads all of itself.
const ASKED: Duration = Duration::from_secs(120);

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The shot.
    pub subject: &'a Subject,
    /// Pixels.
    pub size_px: [u32; 2],
    /// Per pixel.
    pub samples: u32,
    /// Of the random numbers.
    pub seed: u32,
    /// Threads.
    pub threads: u16,
    /// How often the picture is rendered in the same process, at least 1.
    pub repeat: u32,
    /// What the process finds of earlier ones.
    pub finds: Finds,
    /// What is written.
    pub output: Output<'a>,
}

/// What a process finds of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finds {
    /// What renderers keep in their user's folders: compiled kernels, trees.
    WhatIsKept,
    /// Nothing: its user has an empty home folder.
    Nothing,
}

/// What a renderer writes.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// Nothing.
    None,
    /// The picture as linear radiance, readable by [`LinearPicture`](crate::levels::error::LinearPicture).
    Linear(&'a Path),
    /// The picture for viewing.
    Png(&'a Path),
    /// The frames of a turn, into a folder.
    Frames(&'a Path, u32),
}

/// Everything that is installed: how renderers are called.
#[derive(Debug)]
pub struct Installation {
    program: PathBuf,
    device: Option<String>,
    python: PathBuf,
    /// The folder of the peers' programs.
    programs: PathBuf,
    /// Where everything is written that nobody asked for.
    temporary: PathBuf,
}

impl Installation {
    /// Puts the peers' programs into a folder.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn new(settings: &Settings, folder: &Path) -> std::io::Result<Self> {
        let programs = folder.join("peers");
        std::fs::create_dir_all(&programs)?;
        for (name, text) in PROGRAMS {
            std::fs::write(programs.join(name), text)?;
        }
        let Settings { program, device, python, .. } = settings.clone();
        Ok(Self { program, device, python, programs, temporary: folder.to_owned() })
    }

    /// Packshot itself.
    pub fn packshot(&self) -> Renderer {
        Renderer { name: "packshot", version: env!("CARGO_PKG_VERSION").to_owned(), peer: None }
    }

    /// A peer, if it is installed.
    ///
    /// # Errors
    /// What is missing, or wrong with it.
    pub fn peer(&self, peer: Peer, is_cancelled: &dyn Fn() -> bool) -> Result<Renderer, Missing> {
        let mut command = self.python(peer);
        let version = process::ask(command.arg("--version"), ASKED, is_cancelled);
        let version = version.map_err(|(code, reason)| {
            // Its program says how it is installed where it finds that it is not.
            let reason = match code {
                Some(NOT_INSTALLED) => reason,
                Some(_) => format!("it cannot be used: {reason}"),
                None => format!("{reason} (give the Python that it is installed for: --python)"),
            };
            Missing { name: peer.word(), is_installed: code.is_some_and(|code| code != NOT_INSTALLED), reason }
        })?;
        Ok(Renderer { name: peer.word(), version, peer: Some(peer) })
    }

    /// The program of a peer, without arguments.
    pub fn python(&self, peer: Peer) -> Command {
        let mut command = Command::new(&self.python);
        // Nothing is compiled into the folder of the programs, and nothing of the caller's is imported.
        command.args(["-B", "-E"]).arg(self.programs.join(peer.program()));
        // What a stopped peer leaves goes with the benchmark's own files.
        for variable in ["TMPDIR", "TEMP", "TMP"] {
            command.env(variable, &self.temporary);
        }
        command
    }

    /// The command of a job, to be run once.
    ///
    /// # Errors
    /// The home folder that it needs cannot be made.
    pub fn command(&self, renderer: &Renderer, job: &Job<'_>) -> std::io::Result<Command> {
        let mut words: Vec<OsString> = Vec::new();
        let mut command = match renderer.peer {
            None => {
                let (verb, shot) = match job.output {
                    Output::Frames(..) => ("turntable", &job.subject.turntable),
                    Output::None | Output::Linear(_) | Output::Png(_) => ("render", &job.subject.shot),
                };
                words.extend([verb.into(), "--shot".into(), shot.into()]);
                words.extend(["--json", "--quiet", "--noise", "0", "--denoise", "off"].map(OsString::from));
                if let Some(device) = &self.device {
                    words.extend(["--device".into(), device.into()]);
                }
                match job.output {
                    Output::None => {}
                    Output::Linear(path) => {
                        words.extend(["--exr".into(), "float".into(), "-o".into(), path.into()]);
                    }
                    Output::Png(path) => words.extend(["-o".into(), path.into()]),
                    Output::Frames(folder, _) => words.extend(["-o".into(), folder.join("").into()]),
                }
                Command::new(&self.program)
            }
            Some(peer) => {
                words.push(job.subject.peer_scene.clone().into());
                match job.output {
                    Output::None => {}
                    Output::Linear(path) => words.extend(["--raw".into(), path.into()]),
                    Output::Png(path) => words.extend(["--png".into(), path.into()]),
                    Output::Frames(folder, frames) => {
                        words.extend(["--frames".into(), frames.to_string().into(), "--png".into(), folder.into()]);
                    }
                }
                self.python(peer)
            }
        };
        let [width_px, height_px] = job.size_px;
        for (option, value) in [
            ("--width", width_px),
            ("--height", height_px),
            ("--samples", job.samples),
            ("--seed", job.seed),
            ("--threads", job.threads.into()),
        ] {
            words.extend([option.into(), value.to_string().into()]);
        }
        if job.repeat > 1 {
            words.extend(["--repeat".into(), job.repeat.to_string().into()]);
        }
        if job.finds == Finds::Nothing {
            let home = tempfile::Builder::new().prefix("home-").tempdir_in(&self.temporary)?.keep();
            match renderer.peer {
                None => drop(command.envs(KEEPING.map(|variable| (variable, &home)))),
                // By its program: Python may have found the package in the home folder of before.
                Some(_) => words.extend(["--home".into(), home.into()]),
            }
        }
        command.args(words);
        Ok(command)
    }
}
