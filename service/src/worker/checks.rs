//! Pictures held against the rules of a preset.

use packshot_pipeline::picture::Picture;
use packshot_pipeline::preset::Preset;
use packshot_pipeline::verify::{self, Check, Measurements};
use packshot_renderer::shot::view::NamedView;

use super::failure::Stopped;
use super::protocol::{Failure, Finding, OutputFile};
use super::series::Series;
use crate::domain::task::FaultKind;
use crate::wire::Word;
use crate::wire::request::RenderRequest;

/// What was measured so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// Of each file, by its name.
    files: Vec<(String, Vec<Check>)>,
    fill_max: f64,
}

/// The preset of a request.
fn preset(request: &RenderRequest) -> Option<&'static Preset> {
    request.preset.as_deref().and_then(Preset::by_name)
}

impl Checks {
    /// Measures a picture and its files, where the request has a preset.
    pub(super) fn take(&mut self, request: &RenderRequest, picture: &Picture, files: &[OutputFile]) {
        let Some(preset) = preset(request) else { return };
        let measured = Measurements::of(picture);
        self.fill_max = self.fill_max.max(measured.tighter_fill());
        for OutputFile { name, format, bytes, .. } in files {
            let checks = match preset.spin.as_ref().filter(|_| request.frame_count.is_some()) {
                Some(spin) => verify::frame(preset, spin, &measured, format, bytes.len()),
                None => verify::picture(preset, &measured, format, bytes.len()),
            };
            self.files.push((name.clone(), checks));
        }
    }

    /// Everything that was measured.
    ///
    /// # Errors
    /// `preset.rule_broken` for each rule that is.
    pub(super) fn finish(mut self, request: &RenderRequest, series: &Series) -> Result<Vec<Check>, Stopped> {
        let Some(preset) = preset(request) else { return Ok(Vec::new()) };
        if let (Series::Turntable(shots), Some(spin)) = (series, &preset.spin) {
            let turntable = shots.turntable();
            let named = request.view.and_then(|view| NamedView::by_name(view.word()));
            let elevation_deg = request.elevation_deg.or(named.map(|view| view.direction.elevation_deg));
            let checks = verify::turntable(spin, turntable, turntable.frames, elevation_deg, self.fill_max);
            self.files.push(("/preset".to_owned(), checks));
        }
        let broken = self.files.iter().flat_map(|(at, checks)| {
            checks.iter().filter(|check| !check.passed).map(move |Check { rule, required, measured, .. }| Finding {
                code: "preset.rule_broken".to_owned(),
                detail: format!("{at}: {} asks for {rule} {required}, and it is {measured}", preset.name),
                at: at.clone(),
                help: "leave size, framing, background and turn to the preset".to_owned(),
            })
        });
        let findings: Vec<Finding> = broken.collect();
        match findings.first().cloned() {
            None => Ok(self.files.into_iter().flat_map(|(_, checks)| checks).collect()),
            Some(first) => {
                let failure = Failure { fault: FaultKind::Input, code: first.code, detail: first.detail, findings };
                Err(failure.into())
            }
        }
    }
}
