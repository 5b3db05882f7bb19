//! Aliases of a tenant: names that it gave to materials itself, as one layer over all libraries in force.
//!
//! They are apart by scope. An alias of a part answers the alias step of the first hop of the
//! [mapping](crate::mapping): a part of this name wears the material. An alias of a material answers that of the
//! second: a map, a rule or a file that says this word means the material. In both, the tenant's goes before a
//! library's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::match_key;

/// The aliases of a tenant. By [match key](match_key), the id of the material that each one means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasLayer {
    /// Names of parts.
    pub part: BTreeMap<String, String>,
    /// Names of materials.
    pub material: BTreeMap<String, String>,
}

impl AliasLayer {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.part.is_empty() && self.material.is_empty()
    }

    /// BLAKE3 of all aliases; `None` when there are none.
    pub fn digest(&self) -> Option<blake3::Hash> {
        let bytes = serde_json::to_vec(self).expect("maps of text serialise");
        (!self.is_empty()).then(|| blake3::hash(&bytes))
    }

    /// The id of the material that a part with this name wears.
    pub fn of_part(&self, name: &str) -> Option<&str> {
        self.part.get(&match_key(name)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(part: &[(&str, &str)], material: &[(&str, &str)]) -> AliasLayer {
        let map =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(key, id)| ((*key).to_owned(), (*id).to_owned())).collect();
        AliasLayer { part: map(part), material: map(material) }
    }

    #[test]
    fn r92_the_digest_is_of_what_the_layer_says() {
        assert_eq!(layer(&[], &[]).digest(), None);
        let layers = [
            layer(&[("welle", "A")], &[]),
            layer(&[], &[("welle", "A")]),
            layer(&[("welle", "B")], &[]),
            layer(&[("wellea", "")], &[]),
            layer(&[("welle", "A")], &[("welle", "A")]),
        ];
        let digests: std::collections::HashSet<_> = layers.iter().map(|layer| layer.digest().expect("one")).collect();
        assert_eq!(digests.len(), layers.len());
        assert_eq!(layer(&[("a", "A"), ("b", "B")], &[]).digest(), layer(&[("b", "B"), ("a", "A")], &[]).digest());
    }

    #[test]
    fn a_layer_survives_json_and_unknown_members_are_refused() {
        let stored = layer(&[("welle", "A")], &[("stahl xy", "B")]);
        let text = serde_json::to_string(&stored).expect("JSON");
        assert_eq!(serde_json::from_str::<AliasLayer>(&text).expect("read"), stored);
        assert!(serde_json::from_str::<AliasLayer>(r#"{"part":{},"material":{},"node":{}}"#).is_err());
        assert_eq!(stored.of_part("WELLE"), Some("A"));
        assert_eq!(stored.of_part("Stahl XY"), None);
    }
}
