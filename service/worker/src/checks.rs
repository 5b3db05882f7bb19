//! Pictures held against the rules of a preset.

use packshot_pipeline::picture::Picture;
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::plan::{Kind, PicturePlan};
use packshot_pipeline::preset::Preset;
use packshot_pipeline::verify::{self, Check, Measurements};

use super::failure::Stopped;
use super::protocol::{Failure, Finding, OutputFile};
use packshot_domain::task::FaultKind;

/// What was measured so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    passed: Vec<Check>,
    fill_max: f64,
}

impl Checks {
    /// Measures a picture and its files, where the plan has a preset.
    ///
    /// # Errors
    /// `preset.rule_broken` for each rule that one of the files breaks: the pictures after it would as well, or help nobody.
    pub(super) fn take(&mut self, plan: &PicturePlan, picture: &Picture, files: &[OutputFile]) -> Result<(), Stopped> {
        let Some(preset) = plan.preset() else { return Ok(()) };
        let measured = Measurements::of(picture);
        self.fill_max = self.fill_max.max(measured.tighter_fill());
        let of_picture = |OutputFile { name, format, bytes, .. }: &OutputFile| {
            let checks = match preset.spin.as_ref().filter(|_| plan.kind == Kind::Turntable) {
                Some(spin) => verify::frame(preset, spin, &measured, format, bytes.len()),
                None => verify::picture(preset, &measured, format, bytes.len()),
            };
            (name.clone(), checks)
        };
        self.keep(preset, files.iter().map(of_picture).collect())
    }

    /// Everything that was measured, with what is measured of all pictures together.
    ///
    /// # Errors
    /// `preset.rule_broken` for each rule that they break together.
    pub(super) fn finish(mut self, plan: &PicturePlan, pictures: &Pictures) -> Result<Vec<Check>, Stopped> {
        let Some(preset) = plan.preset() else { return Ok(Vec::new()) };
        if let (Pictures::Turntable { shots, .. }, Some(spin)) = (pictures, &preset.spin) {
            let turntable = shots.turntable();
            let elevation_deg = plan.direction().map(|direction| direction.elevation_deg);
            let checks = verify::turntable(spin, turntable, turntable.frames, elevation_deg, self.fill_max);
            self.keep(preset, vec![("/preset".to_owned(), checks)])?;
        }
        Ok(self.passed)
    }

    /// Keeps checks, each with what it is of, if all of them are passed.
    fn keep(&mut self, preset: &Preset, measured: Vec<(String, Vec<Check>)>) -> Result<(), Stopped> {
        let broken = measured.iter().flat_map(|(at, checks)| {
            checks.iter().filter(|check| !check.passed).map(move |Check { rule, required, measured, .. }| Finding {
                code: "preset.rule_broken".to_owned(),
                detail: format!("{at}: {} asks for {rule} {required}, and it is {measured}", preset.name),
                at: at.clone(),
                help: "leave size, framing, background and turn to the preset".to_owned(),
            })
        });
        let findings: Vec<Finding> = broken.collect();
        match findings.first().cloned() {
            None => {
                self.passed.extend(measured.into_iter().flat_map(|(_, checks)| checks));
                Ok(())
            }
            Some(first) => {
                let failure = Failure { fault: FaultKind::Input, code: first.code, detail: first.detail, findings };
                Err(failure.into())
            }
        }
    }
}
