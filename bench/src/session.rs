//! Runs a benchmark: one folder for its files, one installation, one level after the other.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use packshot_pipeline::error::{Error, ErrorKind, Fault};
use packshot_renderer::backend::CancelToken;
use tempfile::TempDir;

use crate::levels;
use crate::machine::Machine;
use crate::process::{self, Timed, Told};
use crate::renderer::{Finds, Installation, Job, Renderer};
use crate::report::{Note, Report};
use crate::settings::{Level, Settings};
use crate::subject::{NOT_WRITTEN, Subject, not_written};

/// Tries of a run that other processes disturb, at most.
const TRIES: u32 = 3;

/// Who watches a benchmark.
pub struct Watch<'a> {
    /// Told what happens, a line each.
    pub tell: &'a dyn Fn(&str),
    /// Stops it.
    pub cancel: &'a CancelToken,
}

/// A benchmark under way.
pub(crate) struct Session<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) installation: Installation,
    /// Packshot first.
    pub(crate) renderers: Vec<Renderer>,
    folder: TempDir,
    watch: &'a Watch<'a>,
    /// What renderers cannot follow, by their names.
    notes: RefCell<BTreeSet<(&'static str, String)>>,
}

/// Measures what the settings ask for.
///
/// # Errors
/// A shot that cannot be read, a folder that cannot be written, or `cancelled`. What goes wrong with a single renderer
/// is in the report.
pub fn run(settings: &Settings, watch: &Watch<'_>) -> Result<Report, Error> {
    let folder = tempfile::Builder::new().prefix("packshot-bench-").tempdir();
    let folder = folder.map_err(|reason| not_written(Path::new("the folder for temporary files"), &reason))?;
    let installation = Installation::new(settings, folder.path());
    let installation = installation.map_err(|reason| not_written(folder.path(), &reason))?;
    let (mut renderers, mut missing) = (vec![installation.packshot()], Vec::new());
    for peer in &settings.peers {
        if renderers.iter().any(|renderer| renderer.peer == Some(*peer)) {
            continue;
        }
        match installation.peer(*peer, &|| watch.cancel.is_cancelled()) {
            Ok(renderer) => renderers.push(renderer),
            Err(why) => {
                (watch.tell)(&format!("{} is left out: {}", why.name, why.reason));
                missing.push(why);
            }
        }
    }
    let session = Session { settings, installation, renderers, folder, watch, notes: RefCell::default() };
    session.check()?;
    let mut report = Report::new(Machine::this(settings.threads), settings, session.renderers.clone(), missing);
    let mut subjects = Vec::new();
    for (i, path) in settings.shots.iter().enumerate() {
        let folder = session.path(&format!("shot-{i}"));
        let subject = Subject::read(path, &folder, settings.frames, watch.cancel);
        subjects.push(subject.map_err(|error| in_file(error, path))?);
    }
    for level in &settings.levels {
        match level {
            Level::Rays => report.rays = levels::rays::measure(&session, &subjects)?,
            Level::Samples => report.samples = levels::samples::measure(&session, &subjects)?,
            Level::Error => report.error = levels::error::measure(&session, &subjects)?,
            Level::Request => report.request = levels::request::measure(&session, &subjects)?,
            Level::Turntable => report.turntable = levels::turntable::measure(&session, &subjects)?,
            Level::Scaling => report.scaling = crate::scaling::measure(&session, &subjects)?,
        }
    }
    report.notes = session.notes.into_inner().into_iter().map(|(renderer, note)| Note { renderer, note }).collect();
    Ok(report)
}

impl Session<'_> {
    /// A place in the folder of this benchmark.
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn tell(&self, line: &str) {
        (self.watch.tell)(line);
    }

    pub(crate) fn cancel(&self) -> &CancelToken {
        self.watch.cancel
    }

    /// A job of a subject, as the settings have it.
    pub(crate) fn job<'s>(&self, subject: &'s Subject, round: u32) -> Job<'s> {
        let film = &subject.still.film;
        Job {
            subject,
            size_px: self.settings.size_px.map_or([film.width_px, film.height_px], |side_px| [side_px; 2]),
            samples: self.settings.samples.unwrap_or(film.samples),
            seed: round,
            threads: self.settings.threads,
            repeat: 1,
            finds: Finds::WhatIsKept,
            output: crate::renderer::Output::None,
        }
    }

    /// Runs a job; again, and then with the quietest run, if other processes took much of the machine.
    ///
    /// # Errors
    /// `cancelled`. The inner one is why the renderer has no figures.
    pub(crate) fn run(&self, renderer: &Renderer, job: &Job<'_>) -> Result<Result<Timed, String>, Error> {
        let load = |timed: &Timed| timed.foreign_load.unwrap_or(0.0);
        let mut quietest: Option<Timed> = None;
        for _ in 0..TRIES {
            let timed = match self.run_once(renderer, job)? {
                Ok(timed) => timed,
                Err(why) => return Ok(Err(why)),
            };
            let is_quiet = load(&timed) <= self.settings.max_foreign_load;
            if quietest.as_ref().is_none_or(|before| load(&timed) < load(before)) {
                quietest = Some(timed);
            }
            if is_quiet {
                break;
            }
        }
        Ok(quietest.ok_or_else(|| "no run".to_owned()))
    }

    /// Runs a job, whatever else the machine does.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn run_once(&self, renderer: &Renderer, job: &Job<'_>) -> Result<Result<Timed, String>, Error> {
        let limit = Duration::from_secs(self.settings.run_limit_s);
        let command = self.installation.command(renderer, job);
        let mut command = command.map_err(|reason| not_written(self.folder.path(), &reason))?;
        let ended = process::run::<Told>(&mut command, limit, &|| self.watch.cancel.is_cancelled());
        self.check()?;
        if let Ok(timed) = &ended {
            self.notes.borrow_mut().extend(timed.told.notes.iter().map(|note| (renderer.name, note.clone())));
        }
        Ok(ended)
    }

    /// Fails once somebody asked to stop.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.watch.cancel.is_cancelled() {
            true => Err(Error::cancelled()),
            false => Ok(()),
        }
    }
}

/// The error, whose faults say in which of several shots they are.
fn in_file(mut error: Error, path: &Path) -> Error {
    for fault in error.faults.iter_mut().filter(|fault| fault.code != NOT_WRITTEN) {
        let path = path.display();
        fault.at = if fault.at.is_empty() { path.to_string() } else { format!("{path}: {}", fault.at) };
    }
    error
}

/// A level that cannot be measured on a subject, for a reason that is Packshot's own.
pub(crate) fn failed(reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, Fault::new("internal", reason.to_string()))
}
