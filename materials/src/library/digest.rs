//! The digest of a resolved library: equal for equal content, however the files arrange it.

use serde::Serialize;

use super::material::Material;
use super::rule::Rule;
use super::texture::Textures;
use super::version::Version;

/// Names the form. Libraries of every schema have this one, so that the digest of an older one stays.
const CANONICAL: &str = "material-library/1";

/// What a digest covers, in canonical form: materials by id with every parameter written out, rules in force order.
#[derive(Serialize)]
struct Canonical<'a> {
    schema: &'a str,
    library: &'a str,
    version: String,
    fallback: Option<&'a str>,
    materials: Vec<Material>,
    rules: &'a [Rule],
}

/// BLAKE3 of the canonical form as lower-case hexadecimal digits.
///
/// `materials` must be sorted by id. The order of aliases and the paths of textures are a matter of taste: the former
/// are sorted here, the latter left out.
pub(super) fn of(
    library: &str,
    version: Version,
    fallback: Option<&Material>,
    mut materials: Vec<Material>,
    rules: &[Rule],
) -> String {
    for material in &mut materials {
        material.aliases.sort_unstable();
        material.textures = material.textures.take().map(Textures::without_paths);
    }
    let canonical = Canonical {
        schema: CANONICAL,
        library,
        version: version.to_string(),
        fallback: fallback.map(|material| material.id.as_str()),
        materials,
        rules,
    };
    let mut hasher = blake3::Hasher::new();
    serde_json::to_writer(&mut hasher, &canonical).expect("plain data serialises, and hashing does not fail");
    hasher.finalize().to_hex().to_string()
}
