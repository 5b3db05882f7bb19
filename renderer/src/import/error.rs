//! Why a file was refused.

use std::fmt;

use packshot_words::{KnownNames, did_you_mean};

/// Why the importer gave no scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImportErrorCode {
    /// `glb.truncated`: the file ends too early.
    Truncated,
    /// `glb.header`: neither GLB nor glTF JSON, or a header that contradicts itself.
    Header,
    /// `glb.chunk`: the container's chunks are wrong.
    Chunk,
    /// `glb.json`: the JSON cannot be read.
    Json,
    /// `glb.schema`: a member is missing, has the wrong type, or a value outside the allowed set.
    Schema,
    /// `glb.version`: a version of glTF that is not supported.
    Version,
    /// `glb.extension`: the file requires an extension that is not supported, or what an extension holds cannot be
    /// decoded.
    Extension,
    /// `glb.reference`: the index of an object that does not exist.
    Reference,
    /// `glb.bounds`: bytes outside a view, a buffer or the file.
    Bounds,
    /// `glb.accessor`: an accessor of the wrong type or count for its use.
    Accessor,
    /// `glb.index`: a vertex index outside the vertices.
    Index,
    /// `glb.sparse`: a sparse replacement outside the accessor.
    Sparse,
    /// `glb.non_finite`: NaN or infinity where a picture needs a number.
    NonFinite,
    /// `glb.graph`: the nodes do not form a forest.
    Graph,
    /// `glb.empty`: nothing to render.
    Empty,
    /// `glb.external_uri`: an address that is not followed.
    ExternalUri,
    /// `glb.uri`: embedded data that cannot be decoded.
    Uri,
    /// `glb.image`: a picture that cannot be decoded.
    Image,
    /// `glb.limit`: sound, but larger than [`super::Limits`] allow.
    Limit,
    /// `glb.variant`: there is no material variant of the requested name.
    Variant,
    /// `glb.animation`: there is no animation of the requested name.
    Animation,
    /// `glb.no_animation`: a time is requested, and the file has no animation at all.
    NoAnimation,
    /// `cancelled`: nothing is wrong with the file; the caller cancelled.
    Cancelled,
}

impl ImportErrorCode {
    /// Every code of a file that is refused, in the order of the documentation.
    pub const ALL: [Self; 22] = [
        Self::Truncated,
        Self::Header,
        Self::Chunk,
        Self::Json,
        Self::Schema,
        Self::Version,
        Self::Extension,
        Self::Reference,
        Self::Bounds,
        Self::Accessor,
        Self::Index,
        Self::Sparse,
        Self::NonFinite,
        Self::Graph,
        Self::Empty,
        Self::ExternalUri,
        Self::Uri,
        Self::Image,
        Self::Limit,
        Self::Variant,
        Self::Animation,
        Self::NoAnimation,
    ];

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "glb.truncated",
            Self::Header => "glb.header",
            Self::Chunk => "glb.chunk",
            Self::Json => "glb.json",
            Self::Schema => "glb.schema",
            Self::Version => "glb.version",
            Self::Extension => "glb.extension",
            Self::Reference => "glb.reference",
            Self::Bounds => "glb.bounds",
            Self::Accessor => "glb.accessor",
            Self::Index => "glb.index",
            Self::Sparse => "glb.sparse",
            Self::NonFinite => "glb.non_finite",
            Self::Graph => "glb.graph",
            Self::Empty => "glb.empty",
            Self::ExternalUri => "glb.external_uri",
            Self::Uri => "glb.uri",
            Self::Image => "glb.image",
            Self::Limit => "glb.limit",
            Self::Variant => "glb.variant",
            Self::Animation => "glb.animation",
            Self::NoAnimation => "glb.no_animation",
            Self::Cancelled => "cancelled",
        }
    }

    /// The code of a stable name, among [those of files](Self::ALL).
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// What a person can do about it.
    pub fn help(self) -> &'static str {
        match self {
            Self::Truncated => "the file is incomplete: transfer or export it again",
            Self::Header => "give a binary glTF 2.0 file (.glb), or a .gltf whose buffers and images are embedded",
            Self::Chunk => "the container is damaged: export the file again",
            Self::Json => "the JSON part is damaged: export the file again",
            Self::Schema | Self::Reference | Self::Accessor | Self::Index | Self::Sparse | Self::Graph => {
                "the file is not valid glTF 2.0: check it with the Khronos glTF validator, and report it to the maker of \
                 the exporter"
            }
            Self::Version => "export the file as glTF 2.0",
            Self::Extension => {
                "export the file again without this extension, or, where it may be ignored, without marking it as required"
            }
            Self::Variant => "leave the variant out, or name one that the file has",
            Self::Animation => "leave the animation out, or name one that the file has",
            Self::NoAnimation => "leave out the animation and the time, or export the file with its animation",
            Self::Bounds => "the file is damaged or was cut: export it again",
            Self::NonFinite => "repair the geometry or the transform in the CAD system and export again",
            Self::Empty => "export at least one solid or surface as triangles, in a scene",
            Self::ExternalUri | Self::Uri => {
                "export a .glb, which has everything in one file, or embed buffers and images as base64 data URIs"
            }
            Self::Image => "export the texture again, embedded, as PNG, JPEG, WebP, or KTX 2 with Basis Universal",
            Self::Limit => "simplify the product; a program that embeds the renderer can raise the limit",
            Self::Cancelled => "",
        }
    }
}

/// A file was refused: a code, a place, what is wrong and what to do about it.
///
/// `Display` is the message alone; the place and the help are separate, so that a front end can lay them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    code: ImportErrorCode,
    at: String,
    message: String,
    /// Whether a name of the file is meant by one that it does not have.
    question: Option<String>,
}

impl ImportError {
    pub(super) fn new(code: ImportErrorCode, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, at: at.into(), message: message.into(), question: None }
    }

    pub(super) fn at_byte(code: ImportErrorCode, offset: usize, message: impl Into<String>) -> Self {
        Self::new(code, format!("byte {offset}"), message)
    }

    /// The kind of fault.
    pub fn code(&self) -> ImportErrorCode {
        self.code
    }

    /// The place: a JSON pointer (`/accessors/0`), one with an element (`/accessors/3, element 7`), or `byte 12` of the
    /// file where no JSON could be read.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What is wrong: one sentence on one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same about a name that is none of `names`, with the question which of them is meant.
    pub(super) fn asking(mut self, wanted: &str, names: &[&str]) -> Self {
        self.question = did_you_mean(&KnownNames::new(names.iter().copied()).near(wanted));
        self
    }

    /// What a person can do about it.
    pub fn help(&self) -> String {
        let help = self.code.help();
        match &self.question {
            Some(question) => format!("{question} If not, {help}"),
            None => help.to_owned(),
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ImportError {}

/// Text of the file for use in a message: quoted, escaped to one line, and cut to a readable length.
pub(super) fn quoted(text: &str) -> String {
    const LENGTH_MAX: usize = 80;
    let mut shown: String = text.chars().take(LENGTH_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(LENGTH_MAX).is_some() {
        shown.push('…');
    }
    format!("'{shown}'")
}

/// Names from the file for use in a message: how many there are, and the first of them.
pub(super) fn listed(noun: &str, names: &[&str]) -> String {
    const NAMED_MAX: usize = 20;
    let named: Vec<String> = names.iter().take(NAMED_MAX).map(|name| quoted(name)).collect();
    match names.len().checked_sub(NAMED_MAX) {
        _ if names.is_empty() => format!("the file has no {noun}"),
        Some(more) if more > 0 => format!("the file has {} and {more} more", named.join(", ")),
        _ => format!("the file has {}", named.join(", ")),
    }
}
