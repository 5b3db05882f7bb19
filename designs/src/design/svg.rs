//! SVG (version 1.1, and what of version 2 resvg draws), without text, scripts, files and network.
//!
//! Everything that could take long or lead elsewhere is refused before the drawing is built (`guard`).

use std::sync::{Arc, Mutex};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Group, ImageHrefResolver, ImageKind, Node, Tree};

use super::raster::{Pixels, Raster};
use super::{Content, Design, DesignColour, DesignFormat, DesignLimits, SIDE_PX_MAX, SVG_DPI, digest, empty};
use crate::error::{DesignCode as Code, DesignError};

mod guard;
mod work;

/// Layers of transparency within each other, at most: each takes the memory of a whole picture.
const LAYERS_MAX: usize = 16;
/// Fillings of the whole drawing that its elements may be worth: some seconds at 4096 texels.
const FILLINGS_MAX: f64 = 200.0;
/// Longer side of the picture that shows whether there is anything to see.
const PROBE_PX: f64 = 256.0;
/// What a file that is text is searched for its first element.
const PROLOGUE_BYTES_MAX: usize = 64 << 10;

/// Whether a file looks like an SVG: text whose first element is `svg`, with any prefix.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(PROLOGUE_BYTES_MAX)]);
    let mut rest = head.trim_start();
    if !rest.starts_with('<') {
        return false;
    }
    loop {
        let skipped = match rest {
            _ if rest.starts_with("<?") => rest.find("?>").map(|end| end + 2),
            _ if rest.starts_with("<!--") => rest.find("-->").map(|end| end + 3),
            // With an internal subset, which may be of any length.
            _ if rest.starts_with("<!DOCTYPE") => return rest.contains("<svg") || rest.contains(":svg"),
            _ => break,
        };
        let Some(skipped) = skipped else { return false };
        rest = rest[skipped..].trim_start();
    }
    let name = rest.trim_start_matches('<').split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next();
    name.is_some_and(|name| name.rsplit(':').next() == Some("svg"))
}

pub(super) fn refused(message: impl Into<String>) -> DesignError {
    let help = "export the design as plain SVG, with text as outlines and pictures embedded; or as PNG";
    DesignError::new(Code::SvgRefused, message, help)
}

/// Reads a drawing that keeps within the limits.
pub(super) fn read(bytes: &[u8], limits: &DesignLimits) -> Result<Design, DesignError> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes))
        .map_err(|_| refused("the SVG is not UTF-8"))?;
    guard::check(text)?;
    let refusal: Mutex<Option<DesignError>> = Mutex::new(None);
    let pixels_left = Mutex::new(limits.pixels_max);
    let picture = |_: &str, data: Arc<Vec<u8>>, _: &usvg::Options<'_>| {
        let found = embedded(data, &mut *pixels_left.lock().ok()?);
        found.map_err(|error| refusal.lock().map(|mut refusal| refusal.get_or_insert(error).clone())).ok()
    };
    let options = usvg::Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(picture),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    };
    let tree = Tree::from_str(text, &options).map_err(|error| refused(format!("the SVG cannot be read: {error}")))?;
    drop(options);
    if let Some(error) = refusal.into_inner().ok().flatten() {
        return Err(error);
    }
    if layers(tree.root(), 0).is_none() {
        return Err(refused(format!("more than {LAYERS_MAX} transparent groups lie within each other")));
    }
    let fillings = work::of(&tree);
    if fillings > FILLINGS_MAX {
        let message = format!(
            "drawing the SVG takes as long as filling it more than {FILLINGS_MAX} times: too many large \
             shapes, transparent layers, long outlines or filters lie over each other"
        );
        return Err(refused(message));
    }
    let (width, height) = (f64::from(tree.size().width()), f64::from(tree.size().height()));
    let probe = drawn(&tree, [width, height].map(|side| side * PROBE_PX / width.max(height)))?;
    if !probe.pixels.is_visible() {
        return Err(empty());
    }
    let has_alpha = probe.pixels.has_alpha();
    let content = Content::Svg(Box::new(tree));
    let (format, colour, dpi) = (DesignFormat::Svg, DesignColour::Rgb, Some(SVG_DPI));
    Ok(Design { format, width, height, has_alpha, dpi, colour, blake3: digest(bytes), content })
}

/// A picture in the file itself.
fn embedded(data: Arc<Vec<u8>>, pixels_left: &mut u64) -> Result<ImageKind, DesignError> {
    let format =
        packshot_texels::Format::of(&data).ok_or_else(|| refused("a picture in the SVG is no PNG, JPEG or WebP"))?;
    let size = format.size_px(&data).map_err(|error| refused(format!("a picture in the SVG is damaged: {error}")))?;
    let pixels = u64::from(size[0]) * u64::from(size[1]);
    if size.iter().any(|&side| side > SIDE_PX_MAX) || pixels > *pixels_left {
        return Err(refused(format!("a picture of {} x {} pixels in the SVG is too large", size[0], size[1])));
    }
    *pixels_left -= pixels;
    Ok(match format {
        packshot_texels::Format::Png => ImageKind::PNG(data),
        packshot_texels::Format::Jpeg => ImageKind::JPEG(data),
        packshot_texels::Format::WebP => ImageKind::WEBP(data),
    })
}

/// How deep layers lie within each other; `None` beyond the limit.
fn layers(group: &Group, outside: usize) -> Option<usize> {
    let own = outside + usize::from(group.should_isolate());
    if own > LAYERS_MAX {
        return None;
    }
    let mut deepest = own;
    for node in group.children() {
        if let Node::Group(inner) = node {
            deepest = deepest.max(layers(inner, own)?);
        }
        let mut beyond = false;
        node.subroots(|root| beyond |= layers(root, own + 1).is_none());
        if beyond {
            return None;
        }
    }
    Some(deepest)
}

/// The drawing at a size in pixels, rounded up to whole ones.
///
/// # Errors
/// `image_too_large` for more pixels than a design may have on a side.
pub(crate) fn drawn(tree: &Tree, size_px: [f64; 2]) -> Result<Raster, DesignError> {
    let [width_px, height_px] = size_px.map(|side| side.ceil().max(1.0));
    if width_px.max(height_px) > f64::from(SIDE_PX_MAX) {
        let message = format!("the drawing would have {width_px} x {height_px} pixels on the texture");
        return Err(DesignError::new(Code::ImageTooLarge, message, "choose a smaller texture"));
    }
    let scale = [width_px / f64::from(tree.size().width()), height_px / f64::from(tree.size().height())];
    let (width_px, height_px) = (width_px as u32, height_px as u32);
    let mut pixmap = Pixmap::new(width_px, height_px).ok_or_else(|| refused("the SVG has no size"))?;
    resvg::render(tree, Transform::from_scale(scale[0] as f32, scale[1] as f32), &mut pixmap.as_mut());
    let straight = |pixel: &resvg::tiny_skia::PremultipliedColorU8| {
        let color = pixel.demultiply();
        [color.red(), color.green(), color.blue(), color.alpha()]
    };
    let pixels = Pixels::Eight(pixmap.pixels().iter().map(straight).collect());
    Ok(Raster { width_px, height_px, pixels })
}
