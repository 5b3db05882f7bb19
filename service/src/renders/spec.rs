//! What a render task computes, as its row keeps it: frozen before the work begins, with a version, private to the
//! service.
//! Every version that a release has written loads.

use serde::{Deserialize, Serialize};

use packshot_db::Json;
use packshot_domain::hash::ContentAddress;
use packshot_domain::task::FaultKind;
use packshot_materials::aliases::AliasLayer;
use packshot_pipeline::plan::PicturePlan;
use packshot_worker::protocol::{DesignInput, Failure, LibraryFile, RenderInput};

/// A spec of any version.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spec {
    /// The first.
    RenderV1(RenderV1),
}

/// Version 1 of a render.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenderV1 {
    /// The product.
    #[serde(with = "text")]
    pub(crate) scene: ContentAddress,
    /// The environment map that came with the request.
    #[serde(with = "text::option")]
    pub(super) environment: Option<ContentAddress>,
    /// Material libraries over the built-in one, lowest first.
    pub(super) libraries: Vec<LibraryFile>,
    /// The material for parts that nothing matches, where the tenant chose another than its library's.
    pub(crate) fallback_material: Option<String>,
    /// The tenant's aliases over all libraries. A spec of before there were any has none.
    #[serde(default, skip_serializing_if = "AliasLayer::is_empty")]
    pub(super) aliases: AliasLayer,
    /// What to make: every option in effect. It is checked again when it is read, like a new request.
    pub(super) plan: PicturePlan,
    /// How many parts may be left without a material, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_unmapped: Option<u32>,
    /// The design that the product wears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) design: Option<DesignInput>,
    /// The turntable to make after these pictures, of the same product in the same design.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) turntable: Option<PicturePlan>,
}

/// A spec as it is written.
#[derive(Serialize)]
struct Versioned<'a, T> {
    version: u32,
    spec: &'a T,
}

impl Spec {
    /// The stored form.
    ///
    /// # Errors
    /// When the plan has no place in a document.
    pub(super) fn write(&self) -> Result<Json, serde_json::Error> {
        match self {
            Self::RenderV1(spec) => serde_json::to_value(Versioned { version: 1, spec }),
        }
    }

    /// What is to be computed.
    ///
    /// # Errors
    /// `spec.invalid`, which fails the task, because another attempt would read the same.
    pub(super) fn read(stored: Option<&Json>) -> Result<Self, Failure> {
        let invalid = |reason: String| {
            tracing::error!("the spec of a task cannot be read: {reason}");
            let detail = "this version of Packshot cannot read the stored job; submit the render again";
            Failure::new(FaultKind::Input, "spec.invalid", detail)
        };
        let Some(stored) = stored else { return Err(invalid("there is none".to_owned())) };
        let spec = stored.get("spec").cloned().unwrap_or_default();
        match stored.get("version").and_then(Json::as_u64) {
            Some(1) => serde_json::from_value(spec).map(Self::RenderV1).map_err(|error| invalid(error.to_string())),
            version => Err(invalid(format!("its version is {version:?}"))),
        }
    }

    /// How many parts may be left without a material, where that is limited.
    pub(super) const fn max_unmapped(&self) -> Option<u32> {
        let Self::RenderV1(RenderV1 { max_unmapped, .. }) = self;
        *max_unmapped
    }

    /// The turntable to make after the pictures.
    pub(super) fn turntable(&self) -> Option<PicturePlan> {
        let Self::RenderV1(RenderV1 { turntable, .. }) = self;
        turntable.clone()
    }

    /// The part that a worker needs.
    pub(super) fn into_input(self) -> RenderInput {
        let Self::RenderV1(spec) = self;
        spec.into_input()
    }
}

impl RenderV1 {
    /// Samples per pixel, also where neither line nor template says how many.
    pub(crate) fn samples(&self) -> Option<u32> {
        self.plan.options.samples
    }

    /// The part that a worker needs.
    pub(super) fn into_input(self) -> RenderInput {
        let Self { scene, environment, libraries, fallback_material, aliases, plan, design, .. } = self;
        RenderInput { scene, environment, libraries, fallback_material, aliases, plan, design }
    }
}

/// Samples of all pixels of all pictures of a stored spec, of Packshot's own renderer.
pub(crate) fn stored_pixel_samples(stored: &Json) -> Option<u64> {
    let Spec::RenderV1(RenderV1 { plan, .. }) = Spec::read(Some(stored)).ok()?;
    pixel_samples(&plan)
}

/// Samples of all pixels of all pictures of a plan: what takes the time.
pub(crate) fn pixel_samples(plan: &PicturePlan) -> Option<u64> {
    let [width_px, height_px, samples] =
        [plan.options.width?, plan.options.height?, plan.options.samples?].map(u64::from);
    [height_px, samples, u64::from(plan.n_pictures())].into_iter().try_fold(width_px, u64::checked_mul)
}

/// Addresses and words as texts.
pub(crate) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }

    pub(crate) mod option {
        use packshot_domain::hash::ContentAddress;
        use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

        pub(crate) fn serialize<S: Serializer>(
            address: &Option<ContentAddress>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            address.as_ref().map(ContentAddress::to_string).serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<ContentAddress>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use packshot_pipeline::plan::words::GroundWord;
    use packshot_pipeline::plan::{Base, Limits, Options, resolve};
    use serde_json::json;

    use super::*;

    /// A spec as version 1 wrote it: it must load for as long as there are such rows.
    const V1: &str = include_str!("spec/v1.json");

    fn code(stored: Option<&Json>) -> String {
        let failure = Spec::read(stored).expect_err("no spec");
        assert_eq!(failure.fault, FaultKind::Input, "another attempt would read the same");
        failure.code
    }

    #[test]
    fn r95_stored_versions_load_and_give_the_plan_that_they_gave() {
        let stored: Json = serde_json::from_str(V1).expect("JSON");
        let spec = Spec::read(Some(&stored)).expect("it loads");
        assert_eq!(spec.write().expect("JSON"), stored, "it is written as it was");
        let options = Options {
            width: Some(640),
            samples: Some(32),
            template: Some("hero_dark".to_owned()),
            // The template has had one since.
            ground: Some(GroundWord::None),
            edges: Some(true),
            ..Options::default()
        };
        let limits = Limits { device_default: "cpu".to_owned(), ..Limits::default() };
        let plan = resolve(&Base::default(), &options, &limits).expect("a plan");
        assert_eq!(spec.into_input().plan, plan);
    }

    #[test]
    fn r92_r95_aliases_are_frozen_with_the_spec() {
        let stored: Json = serde_json::from_str(V1).expect("JSON");
        let Spec::RenderV1(before) = Spec::read(Some(&stored)).expect("it loads");
        assert_eq!(before.aliases, AliasLayer::default(), "there were none");
        let part = [("welle".to_owned(), "STD_010101_Steel-Bare".to_owned())].into();
        let aliases = AliasLayer { part, ..AliasLayer::default() };
        let spec = Spec::RenderV1(RenderV1 { aliases: aliases.clone(), ..before });
        let read = Spec::read(Some(&spec.write().expect("JSON"))).expect("it loads");
        assert_eq!(read.into_input().aliases, aliases);
    }

    #[test]
    fn r95_what_cannot_be_read_fails_at_once() {
        let mut out_of_range: Json = serde_json::from_str(V1).expect("JSON");
        out_of_range["spec"]["plan"]["options"]["width"] = json!(0);
        let mut contradictory: Json = serde_json::from_str(V1).expect("JSON");
        contradictory["spec"]["plan"]["options"]["trim"] = json!(true);
        let mut to_come: Json = serde_json::from_str(V1).expect("JSON");
        to_come["version"] = json!(2);
        for stored in [
            None,
            Some(json!({})),
            Some(json!({"version": 0, "input": {}})),
            Some(out_of_range),
            Some(contradictory),
            Some(to_come),
        ] {
            assert_eq!(code(stored.as_ref()), "spec.invalid", "{stored:?}");
        }
    }
}
