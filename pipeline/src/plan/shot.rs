//! From a plan to the input of the importer and the renderer.

use std::sync::Arc;
use std::time::Duration;

use packshot_renderer::import::{ImportOptions, Pose};
use packshot_renderer::shot::request::ShotRequest;
use packshot_renderer::shot::{Background, Bounces, EnvironmentMap, FilmSettings, PixelFilter, View};

use super::PicturePlan;
use super::files::{Output, PlannedFile};
use super::words::Filter;
use crate::denoise::Denoise;
use crate::error::Error;
use crate::picture::{Aov, Format};
use crate::request::PartFilter;
use crate::taken::Taking;

impl PicturePlan {
    /// How the file's axes and units are interpreted, and which variant and pose are shown.
    pub fn import_options(&self) -> ImportOptions {
        let options = &self.options;
        let is_posed = options.animation.is_some() || options.time.is_some();
        let pose = Pose { animation: options.animation.clone(), time_s: options.time.unwrap_or(0.0) };
        ImportOptions {
            up_axis: options.up_axis.unwrap_or_default(),
            unit_scale: options.unit_scale.unwrap_or(1.0),
            rotate_deg: options.rotate_deg.unwrap_or_default(),
            smooth_deg: options.smooth_deg.unwrap_or(0.0),
            variant: options.variant.clone(),
            pose: is_posed.then_some(pose),
            look: options.look.unwrap_or_default(),
            ..ImportOptions::default()
        }
    }

    /// Which of the file's parts are shown.
    pub fn part_filter(&self) -> PartFilter {
        let texts = |texts: &Option<Vec<String>>| texts.clone().unwrap_or_default();
        PartFilter::new(&texts(&self.options.only), &texts(&self.options.hide))
    }

    /// Camera, film, light, background and view. `map` is the environment map if the plan [needs one](Self::needs_map).
    ///
    /// # Errors
    /// `shot.missing` if it needs one and there is none.
    pub fn shot_request(&self, map: Option<Arc<EnvironmentMap>>) -> Result<ShotRequest, Error> {
        let options = &self.options;
        let default = ShotRequest::default();
        Ok(ShotRequest {
            film: self.film(default.film),
            framing: self.framing(),
            depth_of_field: self.depth_of_field(),
            ground: self.ground(),
            light: self.light_choice(map)?,
            light_rotation_deg: options.light_rotation_deg.unwrap_or(0.0),
            background: options.background.unwrap_or(Background::Transparent),
            view: View {
                transform: options.view_transform.unwrap_or_default(),
                exposure_ev: options.exposure_ev.unwrap_or(0.0) as f32,
            },
            lut: None,
        })
    }

    fn film(&self, default: FilmSettings) -> FilmSettings {
        let options = &self.options;
        let of_look = options.look.unwrap_or_default().film(default);
        FilmSettings {
            width_px: options.width.unwrap_or(default.width_px),
            height_px: options.height.unwrap_or(default.height_px),
            samples: options.samples.unwrap_or(default.samples),
            noise_threshold: options.noise_threshold.map_or(default.noise_threshold, |noise| noise as f32),
            seed: options.seed.unwrap_or(default.seed),
            filter: match options.filter {
                Some(Filter::Box) => PixelFilter::Box,
                Some(Filter::BlackmanHarris) | None => PixelFilter::BlackmanHarris { half_width_px: 1.5 },
            },
            bounces: options.max_bounces.map_or(of_look.bounces, Bounces::all),
            clamp_direct: of_look.clamp_direct,
            clamp_indirect: options.clamp_indirect.map_or(of_look.clamp_indirect, |limit| limit as f32),
        }
    }

    /// The time limit for sampling one picture.
    pub fn time_max(&self) -> Option<Duration> {
        self.options.max_time_s.map(Duration::from_secs_f64)
    }

    /// The layers in addition to radiance.
    pub fn aovs(&self) -> &[Aov] {
        self.options.aovs.as_deref().unwrap_or_default()
    }

    /// When noise is removed.
    pub fn denoise(&self) -> Denoise {
        self.options.denoise.unwrap_or_default()
    }

    /// How a picture of this size is rendered for all files of the plan.
    pub fn taking(&self, size_px: [u32; 2]) -> Taking {
        // Movies and archives use the same pixels as PNG files.
        let format = |file: &PlannedFile| match file.output {
            Output::Picture(encoding) => encoding.format,
            Output::Movie(_) | Output::Archive(_) => Format::default(),
        };
        Taking {
            kind: self.kind,
            denoise: self.denoise(),
            formats: self.files.iter().map(format).collect(),
            lines: self.lines(size_px),
            is_drawing: self.is_drawing(),
            line_style: self.line_style(size_px),
            aovs: self.aovs().to_vec(),
            time_max: self.time_max(),
        }
    }
}
