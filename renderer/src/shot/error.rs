//! What can be wrong with a shot, an environment map or a lookup table.

use crate::diagnostic::option_place;

/// Why a shot was refused: a code, a place, a message and, where there is one, a way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ShotError {
    /// The kind of mistake; [`ErrorCode::name`] is its stable name.
    pub code: ErrorCode,
    /// Where: [the option](crate::diagnostic::option_of_place), or a file's name. `/` is the whole input.
    pub at: String,
    /// One sentence for a person.
    pub message: String,
    /// What to do about it; empty where the message says it all.
    pub help: String,
}

impl ShotError {
    pub(crate) fn new(code: ErrorCode, at: impl Into<String>, message: impl Into<String>) -> Self {
        let at = at.into();
        let at = if at.is_empty() { "/".to_owned() } else { at };
        Self { code, at, message: message.into(), help: String::new() }
    }

    /// About an option of the picture, by its name in the table of options.
    pub(crate) fn of_option(code: ErrorCode, option: &str, message: impl Into<String>) -> Self {
        Self::new(code, option_place(option), message)
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// The kinds of [`ShotError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A value out of its range.
    Range,
    /// Two options that contradict each other.
    Conflict,
    /// The scene has no camera of that name.
    CameraNotFound,
    /// The scene has no part of that name.
    PartNotFound,
    /// There is nothing to frame.
    NothingToFrame,
    /// An environment map is in a format that is not known, or broken.
    EnvironmentFormat,
    /// An environment map has the wrong shape or is too large.
    EnvironmentSize,
    /// An environment map has pixels that are not finite.
    EnvironmentNotFinite,
    /// A line of a lookup table does not follow the format.
    LutSyntax,
    /// A lookup table is too small or too large, or does not say what it is.
    LutSize,
    /// A lookup table has fewer or more nodes than it announces.
    LutCount,
    /// The domain of a lookup table is empty.
    LutDomain,
    /// A lookup table has numbers that are not finite.
    LutNotFinite,
}

impl ErrorCode {
    /// The stable name, such as `shot.range`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => "shot.range",
            Self::Conflict => "shot.conflict",
            Self::CameraNotFound => "shot.camera_not_found",
            Self::PartNotFound => "shot.part_not_found",
            Self::NothingToFrame => "shot.nothing_to_frame",
            Self::EnvironmentFormat => "env.format",
            Self::EnvironmentSize => "env.size",
            Self::EnvironmentNotFinite => "env.not_finite",
            Self::LutSyntax => "lut.syntax",
            Self::LutSize => "lut.size",
            Self::LutCount => "lut.count",
            Self::LutDomain => "lut.domain",
            Self::LutNotFinite => "lut.not_finite",
        }
    }
}
