//! Textures of a material: pictures that vary its colour, its roughness and its normal over a surface.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use packshot_texels::{Format, Image, Undecodable};
use packshot_words::words;
use serde::Serialize;

use super::material::Material;
use crate::reader::{Reader, Table, Value};

/// Bytes of one picture as it is stored, at most: those of any other file of a library.
pub const TEXTURE_BYTES_MAX: usize = super::package::FILE_BYTES_MAX;
/// Pixels along each side of a picture, at most.
pub const TEXTURE_SIDE_PX_MAX: u32 = 4096;
/// Texels of all pictures of a library together, decoded, at most: as many as four of the largest have.
const TEXELS_MAX: u64 = 4 * (TEXTURE_SIDE_PX_MAX as u64).pow(2);
/// Millimetres from one repetition of a picture to the next, least and most.
pub const MM_PER_REPEAT: [f32; 2] = [0.01, 1e5];
/// Characters of the path of a picture, at most.
const PATH_CHARS_MAX: usize = 256;

/// The pictures of a material, and how they lie on a part.
///
/// They repeat in both directions. Their first row is on top.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Textures {
    /// An sRGB colour, times `base_color`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_color: Option<Texture>,
    /// Its green channel, linear, times `specular_roughness`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roughness: Option<Texture>,
    /// Normals as in glTF: twice the linear value less 1, +X to the right of the picture, +Y up, +Z out of the surface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal: Option<Texture>,
    /// Millimetres of the part that the width of a picture spans, where it is laid on by the part's size.
    pub mm_per_repeat: f32,
    /// How pictures are laid onto a part.
    pub projection: Projection,
}

impl Textures {
    /// The pictures that there are.
    pub fn all(&self) -> impl Iterator<Item = &Texture> {
        [&self.base_color, &self.roughness, &self.normal].into_iter().flatten()
    }

    /// The same without the paths of its pictures: what decides how it looks.
    pub(super) fn without_paths(mut self) -> Self {
        for slot in [&mut self.base_color, &mut self.roughness, &mut self.normal] {
            *slot = slot.take().map(|texture| Texture { path: "".into(), ..texture });
        }
        self
    }
}

words! {
    /// How pictures are laid onto a part.
    #[derive(Default)]
    pub enum Projection {
        /// By the part's texture coordinates, and from six sides where it has none
        #[default]
        Auto = "auto",
        /// From six sides, in millimetres, whatever coordinates the part has
        Box = "box",
    }
}

/// A picture in the form in which it is stored. Copies share its bytes.
#[derive(Clone)]
pub struct Texture {
    path: Arc<str>,
    stored: Arc<Stored>,
}

struct Stored {
    bytes: Cow<'static, [u8]>,
    blake3: String,
    format: Format,
    size_px: [u32; 2],
    decoded: OnceLock<Result<Arc<Image>, Undecodable>>,
}

impl Texture {
    /// A picture by its bytes. Its header is read.
    ///
    /// # Errors
    /// A sentence that says why it is no picture, or beyond the limits.
    pub fn new(path: &str, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, String> {
        let bytes = bytes.into();
        if bytes.len() > TEXTURE_BYTES_MAX {
            return Err(format!(
                "the picture has {} bytes; at most {} MiB are allowed",
                bytes.len(),
                TEXTURE_BYTES_MAX >> 20
            ));
        }
        let format = Format::of(&bytes).ok_or("the file is neither PNG, JPEG nor WebP")?;
        let size_px = format.size_px(&bytes).map_err(|error| error.to_string())?;
        let [width, height] = size_px;
        if width.max(height) > TEXTURE_SIDE_PX_MAX {
            return Err(format!(
                "the picture has {width} x {height} pixels; at most {TEXTURE_SIDE_PX_MAX} are allowed on each side"
            ));
        }
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        let stored = Arc::new(Stored { bytes, blake3, format, size_px, decoded: OnceLock::new() });
        Ok(Self { path: path.into(), stored })
    }

    /// Where it lies, as the material says it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its bytes as they are stored: PNG, JPEG or WebP.
    pub fn bytes(&self) -> &[u8] {
        &self.stored.bytes
    }

    /// Their BLAKE3, 64 lower-case hexadecimal digits.
    pub fn blake3(&self) -> &str {
        &self.stored.blake3
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.stored.format
    }

    /// Its width and height.
    pub fn size_px(&self) -> [u32; 2] {
        self.stored.size_px
    }

    /// The picture, which is decoded once.
    ///
    /// # Errors
    /// [`Undecodable`] when its bytes are damaged beyond the header.
    pub fn image(&self) -> Result<Arc<Image>, Undecodable> {
        let Stored { bytes, format, decoded, size_px: [width, height], .. } = &*self.stored;
        let decode = || format.decode(bytes, 4 * u64::from(*width) * u64::from(*height)).map(Arc::new);
        decoded.get_or_init(decode).clone()
    }

    /// Whether it can be decoded to its end; nothing is kept.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let Stored { bytes, format, size_px: [width, height], .. } = &*self.stored;
        if !format.is_whole(bytes) {
            return Err("the file is cut off".to_owned());
        }
        format.decode(bytes, 4 * u64::from(*width) * u64::from(*height)).map(drop).map_err(|error| error.to_string())
    }

    /// How many texels it has.
    pub fn n_texels(&self) -> u64 {
        self.stored.size_px.map(u64::from).iter().product()
    }
}

impl PartialEq for Texture {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.stored.blake3 == other.stored.blake3
    }
}

impl fmt::Debug for Texture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texture").field("path", &self.path).field("blake3", &self.stored.blake3).finish()
    }
}

impl Serialize for Texture {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            path: &'a str,
            blake3: &'a str,
        }
        Named { path: &self.path, blake3: self.blake3() }.serialize(serializer)
    }
}

/// Opens the file at a path of a library. `None`: there is no such file.
///
/// Errors: a sentence that says why it cannot be read.
pub type OpenTexture<'a> = &'a dyn Fn(&str) -> Result<Option<Cow<'static, [u8]>>, String>;

/// Where the pictures that a library names are found.
pub(super) struct Shelf<'a> {
    pub(super) open: OpenTexture<'a>,
    /// Whether they are the program's own, which tests have decoded.
    pub(super) is_tested: bool,
    /// Texels so far.
    pub(super) n_texels: u64,
}

impl Shelf<'_> {
    /// Reads the table `textures` of a material in the file `toml`. Pictures that are not there go to `missing`.
    pub(super) fn read(
        &mut self,
        mut table: Table<'_, '_>,
        toml: &str,
        reader: &mut Reader<'_>,
        missing: &mut Vec<String>,
    ) -> Option<Textures> {
        let mut slot = |name, reader: &mut Reader<'_>| {
            let value = table.take(name)?;
            self.read_texture(name, value, toml, reader, missing)
        };
        let [base_color, roughness, normal] = ["base_color", "roughness", "normal"].map(|name| slot(name, reader));
        let mm_per_repeat = table.require("mm_per_repeat", reader).and_then(|value| {
            let [least, most] = MM_PER_REPEAT;
            reader.number("mm_per_repeat", value, least, most)
        });
        let projection = table.take("projection").map(|value| reader.word("projection", value));
        let at = table.span().clone();
        table.finish(reader);
        let (mm_per_repeat, projection) = (mm_per_repeat?, projection.unwrap_or(Some(Projection::default()))?);
        let textures = Textures { base_color, roughness, normal, mm_per_repeat, projection };
        if textures.all().next().is_none() {
            if missing.is_empty() {
                reader.warning("library.texture", &at, "`textures` names no picture");
            }
            return None;
        }
        Some(textures)
    }

    fn read_texture(
        &mut self,
        name: &'static str,
        value: &Value<'_>,
        toml: &str,
        reader: &mut Reader<'_>,
        missing: &mut Vec<String>,
    ) -> Option<Texture> {
        let mut table = reader.table(name, value)?;
        let path = table.require("path", reader);
        let stated = table.take("blake3").and_then(|value| Some((reader.text("blake3", value)?, value.span())));
        table.finish(reader);
        let path_value = path?;
        let path = reader.text("path", path_value)?;
        let refused = |reader: &mut Reader<'_>, message: String| {
            let help = match message.contains("at most") {
                true => "make the picture smaller",
                false => "name a PNG, JPEG or WebP file below the folder of this file, such as `textures/oak.png`",
            };
            reader.error_help("library.texture", &path_value.span(), message, help);
        };
        if let Err(complaint) = check_path(&path) {
            refused(reader, complaint);
            return None;
        }
        let beside = toml.rsplit_once('/').map_or_else(|| path.clone(), |(folder, _)| format!("{folder}/{path}"));
        let bytes = match (self.open)(&beside) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let message =
                    format!("there is no file `{path}`; parts of this material will have the fallback material");
                reader.warning("library.texture_missing", &path_value.span(), message);
                missing.push(path);
                return None;
            }
            Err(complaint) => {
                refused(reader, format!("`{path}` cannot be read: {complaint}"));
                return None;
            }
        };
        let read = Texture::new(&path, bytes).and_then(|texture| match self.is_tested {
            true => Ok(texture),
            false => texture.check().map(|()| texture),
        });
        let texture = match read {
            Ok(texture) => texture,
            Err(complaint) => {
                refused(reader, format!("`{path}` is not a texture: {complaint}"));
                return None;
            }
        };
        if let Some((stated, span)) = stated.filter(|(stated, _)| !stated.eq_ignore_ascii_case(texture.blake3())) {
            let message = format!("`{path}` has the BLAKE3 {}, not {stated}", texture.blake3());
            let help = "restore the picture, or remove `blake3` to accept this one";
            reader.error_help("library.texture_changed", &span, message, help);
        }
        let n_before = self.n_texels;
        self.n_texels += texture.n_texels();
        if (n_before + 1..=self.n_texels).contains(&(TEXELS_MAX + 1)) {
            let millions = TEXELS_MAX >> 20;
            let message = format!("from here on the pictures of the library have more than {millions} million texels");
            let help = "make pictures smaller, or put some of the materials into another library";
            reader.error_help("library.limit", &path_value.span(), message, help);
        }
        Some(texture)
    }
}

/// A path below the library's folder, in the spelling of every system.
fn check_path(path: &str) -> Result<(), String> {
    let is_step = |step: &str| !step.is_empty() && step != "." && step != "..";
    if path.chars().count() > PATH_CHARS_MAX {
        return Err(format!("the path has more than {PATH_CHARS_MAX} characters"));
    }
    if !path.split('/').all(is_step) || path.contains(['\\', ':']) || path.contains(char::is_control) {
        return Err(format!("`{}` is not a path below this file's folder, without `.` and `..`", path.escape_debug()));
    }
    let lower = path.to_ascii_lowercase();
    match [".png", ".jpg", ".jpeg", ".webp"].iter().any(|extension| lower.ends_with(extension)) {
        true => Ok(()),
        false => Err(format!("`{path}` does not end in .png, .jpg or .webp")),
    }
}

impl Material {
    /// The path of a picture that it needs and that its library lacks.
    pub fn missing_texture(&self) -> Option<&str> {
        self.missing_textures.first().map(String::as_str)
    }
}
