//! What CAD exporters write into `extras`: the names of a part's material and layer.

use super::json::Value;
use super::member::Member;

/// Longer texts are not names of materials.
const NAME_BYTES_MAX: usize = 256;

/// Members that name a material, then members that name a layer; compared without case, spaces and punctuation.
const MEMBERS: [&[&str]; 2] = [
    &["material", "materialname", "cadmaterial", "stepmaterial", "werkstoff"],
    &["layer", "layername", "layers", "cadlayer", "steplayer"],
];

/// The names in the `extras` of an object, materials before layers. `extras` may hold anything, so nothing in it is an
/// error.
pub(super) fn cad_names<'d>(owner: &Member<'_, 'd>) -> Vec<&'d str> {
    let Some(Value::Object(members)) = owner.value("extras") else { return Vec::new() };
    let mut names = Vec::new();
    for known in MEMBERS {
        for (_, value) in members.iter().filter(|(name, _)| known.contains(&folded(name).as_str())) {
            match value {
                Value::String(name) => push(&mut names, name),
                Value::Array(items) => items.iter().for_each(|item| {
                    if let Value::String(name) = item {
                        push(&mut names, name);
                    }
                }),
                _ => {}
            }
        }
    }
    names
}

fn push<'d>(names: &mut Vec<&'d str>, name: &'d str) {
    if !name.is_empty() && name.len() <= NAME_BYTES_MAX && !names.contains(&name) {
        names.push(name);
    }
}

fn folded(name: &str) -> String {
    // The longest member has a dozen letters; a longer, hostile name need not be folded to its end.
    name.chars().take(32).filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
