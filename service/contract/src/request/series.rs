//! The members of kinds with several pictures: views and turntables.

use packshot_renderer::shot::view::{NamedView, SIX_VIEW, SIX_YAW};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::parse::TURN_DEG_MAX;
use super::{Kind, RenderRequest, Scale, TurnDirection, TurnMode, ViewName, ViewSet};
use crate::Word;
use crate::members::{Members, checked_word};
use crate::problem::Finding;

/// Fewest frames of a turntable.
pub const FRAMES_MIN: u32 = 2;
/// Most frames of a turntable.
pub const FRAMES_MAX: u32 = 1_440;
/// Most frames per second.
pub const FPS_MAX: u32 = 120;

/// Views by name, or a set of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Views {
    /// A set.
    Set(ViewSet),
    /// One at least, each once, in this order.
    Names(Vec<ViewName>),
}

impl Views {
    /// The views with their directions.
    pub fn named(&self) -> Vec<NamedView> {
        match self {
            Self::Set(ViewSet::SixView) => SIX_VIEW.to_vec(),
            Self::Set(ViewSet::SixYaw) => SIX_YAW.to_vec(),
            Self::Names(names) => names.iter().filter_map(|name| NamedView::by_name(name.word())).collect(),
        }
    }
}

impl RenderRequest {
    /// How many pictures it makes.
    pub fn n_pictures(&self) -> u32 {
        match self.kind {
            Kind::Still => 1,
            Kind::Views => self.views.as_ref().map_or(1, |views| views.named().len() as u32),
            Kind::Turntable => self.frame_count.unwrap_or(1),
        }
    }
}

/// Reads the kind.
pub(super) fn kind(m: &mut Members<'_>, r: &mut RenderRequest) {
    if let Some(kind) = m.word("kind") {
        r.kind = kind;
    }
}

/// Reads what belongs to the kind.
pub(super) fn read(m: &mut Members<'_>, r: &mut RenderRequest) {
    match r.kind {
        Kind::Still => {}
        Kind::Views => {
            r.views = views(m).or(Some(Views::Set(ViewSet::SixYaw)));
            r.scale = m.nullable_word("scale").or(Some(Scale::PerView));
        }
        Kind::Turntable => {
            let frames = FRAMES_MIN..=FRAMES_MAX;
            r.frame_count = m.nullable_count("frame_count", frames).or(r.frame_count).or(Some(72));
            let fps = m.nullable_count("fps", 1..=FPS_MAX).and_then(|fps| u16::try_from(fps).ok());
            r.fps = fps.or(Some(24));
            r.direction = m.nullable_word("direction").or(r.direction).or(Some(TurnDirection::Ccw));
            r.start_deg = m.nullable_number("start_deg", -TURN_DEG_MAX..=TURN_DEG_MAX).or(Some(0.0));
            r.mode = m.nullable_word("mode").or(Some(TurnMode::Product));
        }
    }
    let kind = r.kind;
    for (of, names) in [
        (Kind::Views, &["views", "scale"][..]),
        (Kind::Turntable, &["frame_count", "fps", "direction", "start_deg", "mode"]),
    ] {
        for &name in names.iter().filter(|_| kind != of) {
            if m.non_null(name).is_some() {
                m.report(
                    name,
                    "conflicting_members",
                    format!("it says nothing about the kind `{kind}`, but of `{of}`"),
                );
            }
        }
    }
}

/// `views`.
fn views(m: &mut Members<'_>) -> Option<Views> {
    let pointer = m.pointer("views");
    let names = match m.non_null("views")? {
        Value::String(_) => return m.word("views").map(Views::Set),
        Value::Array(names) => names,
        _ => {
            m.report("views", "wrong_type", "expected six_view, six_yaw or a list of names");
            return None;
        }
    };
    if names.is_empty() {
        m.report("views", "out_of_range", "expected one view at least");
    }
    let mut read = Vec::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        let pointer = format!("{pointer}/{i}");
        match checked_word::<ViewName>(name, &pointer) {
            Ok(name) if read.contains(&name) => {
                m.extend([Finding::new(pointer, "duplicate", "the view is there already")]);
            }
            Ok(name) => read.push(name),
            Err(finding) => m.extend([finding]),
        }
    }
    Some(Views::Names(read))
}
