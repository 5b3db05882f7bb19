//! Options and plans as JSON, for database rows and for workers. They are validated when read, as if they had just been
//! given.

use std::sync::Arc;

use serde::de::{Deserializer, Error as _};
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::words::Light;
use super::{Base, Kind, Limits, OptionId, Options, PicturePlan, PlainNames, builtin, refused, resolve};

impl Serialize for Options {
    /// Only those that are given, by name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let given = OptionId::all().filter_map(|id| Some((id.spec().name, self.json(id)?)));
        let mut members = serializer.serialize_map(None)?;
        for (name, value) in given {
            members.serialize_entry(name, &value)?;
        }
        members.end()
    }
}

impl<'de> Deserialize<'de> for Options {
    /// Fails for an unknown option, and for an invalid value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut options = Self::default();
        for (name, value) in Map::<String, Value>::deserialize(deserializer)? {
            let unknown = || D::Error::custom(format!("there is no option {name}"));
            let id = OptionId::by_name(&name).ok_or_else(unknown)?;
            options.set_json(id, &value).map_err(|wrong| D::Error::custom(format!("{name}: {}", wrong.message())))?;
        }
        Ok(options)
    }
}

/// A plan as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    kind: Kind,
    options: Options,
}

impl Serialize for PicturePlan {
    /// Fails for a template that is not built in: its name means nothing elsewhere.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of_name = self.options.template.as_deref().and_then(builtin);
        if of_name.as_ref().map(Arc::as_ref) != self.template.as_ref().map(Arc::as_ref) {
            return Err(S::Error::custom("a template of a file has no place in a document"));
        }
        Document { kind: self.kind, options: self.options.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PicturePlan {
    /// Fails for an invalid plan: out of range, or contradictory.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Document { kind, options } = Document::deserialize(deserializer)?;
        let has_environment = options.light == Some(Light::Environment);
        let base = Base { kind, has_environment, ..Base::default() };
        resolve(&base, &options, &Limits::default()).map_err(|faults| D::Error::custom(refused(&faults, &PlainNames)))
    }
}
