//! Trees as JSON, and the reverse.

use crate::Json;
use packshot_domain::artifact::{InvalidNumber, Tree};

/// What JSON says, as a tree.
///
/// # Errors
///
/// [`InvalidNumber`] for a number that a tree cannot hold.
pub fn tree_of(json: &Json) -> Result<Tree, InvalidNumber> {
    Ok(match json {
        Json::Null => Tree::Null,
        Json::Bool(value) => Tree::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Tree::integer(whole)?,
            (None, Some(whole)) => Tree::integer(whole)?,
            (None, None) => Tree::number(number.as_f64().ok_or(InvalidNumber::NotFinite)?)?,
        },
        Json::String(text) => Tree::Text(text.clone()),
        Json::Array(items) => Tree::Array(items.iter().map(tree_of).collect::<Result<_, _>>()?),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), tree_of(value)?)));
            Tree::Map(members.collect::<Result<_, InvalidNumber>>()?)
        }
    })
}

/// A tree as JSON.
#[must_use]
pub fn json_of(tree: &Tree) -> Json {
    match tree {
        Tree::Null => Json::Null,
        Tree::Bool(value) => (*value).into(),
        Tree::Integer(value) => value.get().into(),
        Tree::Fraction(value) => value.get().into(),
        Tree::Text(text) => text.as_str().into(),
        Tree::Array(items) => items.iter().map(json_of).collect(),
        Tree::Map(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), json_of(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn trees_survive_json() {
        let json =
            json!({"a": [1, -2, 0.5, 1e-7, true, null], "b": {"ü\n": "\u{1F4F7}"}, "c": 9_007_199_254_740_991_i64});
        assert_eq!(json_of(&tree_of(&json).expect("a tree")), json);
        assert_eq!(tree_of(&json!(1.0)).expect("a tree"), Tree::from(1));
        for number in [json!(9_007_199_254_740_992_i64), json!(u64::MAX), json!(1e300)] {
            assert_eq!(tree_of(&number), Err(InvalidNumber::TooLarge), "{number}");
        }
    }
}
