//! Metadata on the origin of a file's pixels.

use std::num::NonZeroU16;

use super::SOFTWARE;

/// The metadata of a file. It contains no time, machine or job: equal renders are equal bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Pixels per inch at which the picture is meant to be printed.
    pub dpi: Option<NonZeroU16>,
    /// The origin of the pixels.
    pub provenance: Provenance,
}

/// The origin of pixels; unknown parts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// BLAKE3 of the product's file.
    pub scene: Option<String>,
    /// A digest of the design on the product: of its texture, and of how that lies on which parts.
    pub design: Option<String>,
    /// The digest of the shot: [`Shot::digest`](crate::shot::Shot::digest).
    pub shot: Option<String>,
    /// The material library with version and digest: `STD@1.0.0#b3:…`.
    pub library: Option<String>,
    /// The seed.
    pub seed: Option<u32>,
    /// Samples per pixel, at most.
    pub samples: Option<u32>,
    /// The view transform and the exposure, for display-referred pictures.
    pub view: Option<String>,
    /// The denoiser, if it is not part of this program: `Open Image Denoise 2.5.1, high`.
    pub denoiser: Option<String>,
    /// For a movie, a digest of everything that determines it: two movies with one digest are the same bytes.
    pub movie: Option<String>,
}

impl Provenance {
    /// The names that files use, in the order in which they list them.
    pub(super) const NAMES: [&'static str; 9] =
        ["scene", "design", "shot", "library", "seed", "samples", "view", "denoiser", "movie"];

    /// Takes an entry of a file over. Names that this version does not know, and numbers that are none, are left out.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let text = || Some(value.to_owned());
        match name {
            "scene" => self.scene = text(),
            "design" => self.design = text(),
            "shot" => self.shot = text(),
            "library" => self.library = text(),
            "seed" => self.seed = value.parse().ok(),
            "samples" => self.samples = value.parse().ok(),
            "view" => self.view = text(),
            "denoiser" => self.denoiser = text(),
            "movie" => self.movie = text(),
            _ => {}
        }
    }

    /// The known parts, under the names that files use, in the order in which they list them. Values have no control
    /// characters.
    pub(super) fn entries(&self) -> Vec<(&'static str, String)> {
        let Self { scene, design, shot, library, seed, samples, view, denoiser, movie } = self;
        let known = [
            ("scene", scene.clone()),
            ("design", design.clone()),
            ("shot", shot.clone()),
            ("library", library.clone()),
            ("seed", seed.map(|seed| seed.to_string())),
            ("samples", samples.map(|samples| samples.to_string())),
            ("view", view.clone()),
            ("denoiser", denoiser.clone()),
            ("movie", movie.clone()),
        ];
        let plain = |text: String| text.replace(char::is_control, " ");
        known.into_iter().filter_map(|(name, value)| Some((name, plain(value?)))).collect()
    }

    /// An XMP packet (ISO 16684-1) with the software and every entry, for formats that keep metadata as such.
    pub(super) fn xmp(&self) -> Vec<u8> {
        let entries = self.entries();
        let members: String =
            entries.iter().map(|(name, value)| format!(" packshot:{name}=\"{}\"", escaped(value))).collect();
        let packet = format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
             <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
             <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:packshot=\"{NAMESPACE}\" \
             xmp:CreatorTool=\"{SOFTWARE}\"{members}/>\
             </rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>"
        );
        packet.into_bytes()
    }
}

/// The XML namespace of Packshot's members.
const NAMESPACE: &str = "https://github.com/packshot/packshot/xmp/1/";

/// A value between the quotes of an XML attribute. Characters that XML cannot represent become U+FFFD.
fn escaped(value: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}'.to_string(),
        c => c.to_string(),
    };
    value.chars().map(escape).collect()
}

#[cfg(test)]
impl Metadata {
    /// For tests of metadata: 300 dpi and every entry.
    pub(super) fn full() -> Self {
        Self {
            dpi: NonZeroU16::new(300),
            provenance: Provenance {
                scene: Some("5c3e".repeat(16)),
                design: Some("0d51".repeat(16)),
                shot: Some("a1b2".repeat(16)),
                library: Some("STD@1.0.0#b3:00ff <\"Größe\" & more>\n".to_owned()),
                seed: Some(7),
                samples: Some(256),
                view: Some("agx, +0.5 EV".to_owned()),
                denoiser: Some("Open Image Denoise 2.5.1, high".to_owned()),
                movie: Some("77fe".repeat(16)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_what_is_known() {
        assert_eq!(Provenance::default().entries(), []);
        let full = Metadata::full().provenance.entries();
        let names: Vec<_> = full.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, Provenance::NAMES);
        assert_eq!(full[3].1, "STD@1.0.0#b3:00ff <\"Größe\" & more> ");
    }

    #[test]
    fn xmp_is_well_formed_whatever_the_values() {
        let packet = String::from_utf8(Metadata::full().provenance.xmp()).expect("UTF-8");
        assert!(
            packet.contains(" packshot:library=\"STD@1.0.0#b3:00ff &lt;&quot;Größe&quot; &amp; more> \""),
            "{packet}"
        );
        assert!(packet.contains(&format!(" xmp:CreatorTool=\"{SOFTWARE}\"")));
        assert_eq!(packet.matches('<').count(), packet.matches('>').count() - 1, "one > is part of a value");
    }
}
