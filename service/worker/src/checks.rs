//! Pictures held against the rules of a preset.
//!
//! Input: each picture with its files. Output: all checks, and a failure where one is not passed. All pictures are
//! rendered: those that break a rule are kept to be looked at, as the command keeps them.

use packshot_pipeline::picture::Picture;
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::plan::{Kind, PicturePlan};
use packshot_pipeline::preset::Preset;
use packshot_pipeline::verify::{self, Check, Measurements};

use super::failure::Stopped;
use super::kept::Measured;
use super::protocol::{Failure, Finding, OutputFile};
use packshot_domain::task::FaultKind;

/// What was measured so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    checks: Vec<Check>,
    /// Each rule once, since all frames of a turntable may break it in the same way.
    broken: Vec<Broken>,
    fill_max: f64,
}

/// A rule that is broken.
#[derive(Debug)]
struct Broken {
    check: Check,
    /// What breaks it first.
    at: String,
    /// How much else does.
    more: usize,
}

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Checked {
    /// The checks, passed or not.
    pub(super) checks: Vec<Check>,
    /// `preset.rule_broken` with a finding for each rule that is broken.
    pub(super) broken: Option<Failure>,
}

/// Measures a picture and its files, where the plan has a preset.
///
/// # Errors
/// `encode.read_back` for a file that cannot be read.
pub(super) fn measure(plan: &PicturePlan, picture: &Picture, files: &[OutputFile]) -> Result<Measured, Stopped> {
    let mut taken = Measured::default();
    let Some(preset) = plan.preset() else { return Ok(taken) };
    if files.is_empty() {
        // Of a movie, whose frames are no files.
        taken.fill = Measurements::of(picture, None)?.tighter_fill();
    }
    for OutputFile { name, format, bytes, .. } in files {
        let measured = Measurements::of(picture, Some(bytes))?;
        taken.fill = taken.fill.max(measured.tighter_fill());
        let checks = match preset.spin.as_ref().filter(|_| plan.kind == Kind::Turntable) {
            Some(spin) => verify::frame(preset, spin, &measured, format),
            None => verify::picture(preset, &measured, format),
        };
        taken.checks.push((name.clone(), checks));
    }
    Ok(taken)
}

impl Checks {
    /// Takes what was measured of a picture.
    pub(super) fn take(&mut self, Measured { fill, checks }: Measured) {
        self.fill_max = self.fill_max.max(fill);
        for (name, checks) in checks {
            self.keep(&name, checks);
        }
    }

    /// Everything that was measured, with what is measured of all pictures together.
    pub(super) fn finish(mut self, plan: &PicturePlan, pictures: &Pictures) -> Checked {
        let Some(preset) = plan.preset() else { return Checked { checks: Vec::new(), broken: None } };
        if let (Pictures::Turntable { shots, .. }, Some(spin)) = (pictures, &preset.spin) {
            let turntable = shots.turntable();
            let elevation_deg = plan.direction().map(|direction| direction.elevation_deg);
            let checks = verify::turntable(spin, turntable, turntable.frames, elevation_deg, self.fill_max);
            self.keep("/preset", checks);
        }
        let findings: Vec<Finding> = self.broken.iter().map(|broken| broken.finding(preset)).collect();
        let broken = findings.first().cloned().map(|first| Failure {
            fault: FaultKind::Input,
            code: first.code,
            detail: first.detail,
            findings,
        });
        Checked { checks: self.checks, broken }
    }

    /// Keeps checks of what `at` names.
    fn keep(&mut self, at: &str, checks: Vec<Check>) {
        for check in checks.iter().filter(|check| !check.passed) {
            match self.broken.iter_mut().find(|broken| broken.check.rule == check.rule) {
                Some(known) => known.more += 1,
                None => self.broken.push(Broken { check: check.clone(), at: at.to_owned(), more: 0 }),
            }
        }
        self.checks.extend(checks);
    }
}

impl Broken {
    fn finding(&self, preset: &Preset) -> Finding {
        let Self { check: Check { rule, required, measured, .. }, at, more } = self;
        let others = match more {
            0 => String::new(),
            1 => "; one more file breaks this rule".to_owned(),
            more => format!("; {more} more files break this rule"),
        };
        Finding {
            code: "preset.rule_broken".to_owned(),
            detail: format!("{at}: {} requires {rule} {required}, but it is {measured}{others}", preset.name),
            at: at.clone(),
            help: "leave size, framing, background and turn to the preset".to_owned(),
        }
    }
}
