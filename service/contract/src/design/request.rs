//! What is asked of a design job (design-renders.md §5).

use packshot_designs::{AreaRequest, DesignRequest, Preset};
use packshot_domain::design_job::DESIGN_VIEWS;
use packshot_domain::id::{AssetId, ProductId};
use packshot_json::{FaultKind, Faults, Members, Node};
use packshot_pipeline::plan::{self, Base, Kind, Limits, OptionId, OptionSpec, Options, PicturePlan, TABLE};
use packshot_words::Word;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::area::{area_of, json_of};
use super::preset::NAME_BYTES_MAX as PRESET_BYTES_MAX;
use crate::problem::{Finding, Invalid};
use crate::read::{optional, parsed};
use crate::request::{faults, read};

/// The options of pictures that a design job has.
const OPTIONS: [&str; 16] = [
    "width",
    "height",
    "samples",
    "noise_threshold",
    "seed",
    "light",
    "background",
    "exposure_ev",
    "denoise",
    "device",
    "formats",
    "materials",
    "on_unmapped",
    "view_transform",
    "elevation_deg",
    "scale",
];
/// What they are where nobody says otherwise, and other pictures of views are not.
const DEFAULTS: [(OptionId, &str); 3] =
    [(OptionId::ViewTransform, "\"khronos_neutral\""), (OptionId::ElevationDeg, "0"), (OptionId::Scale, "\"shared\"")];
/// The options of its turntable that a design job has, as members of `animation`.
const TURNTABLE_OPTIONS: [&str; 4] = ["frame_count", "fps", "direction", "formats"];
/// Most bytes of metadata as JSON.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// Most bytes of the name of an area.
const NAME_BYTES_MAX: usize = 800;

/// A design on a product, as it is asked for. The file comes as the part `design`, or is named by `design_asset_id`.
/// Options of pictures beside these are those of renders: `width`, `height`, `samples`, `noise_threshold`, `seed`,
/// `light`, `background`, `exposure_ev`, `denoise`, `device`, `formats`, `materials`, `on_unmapped`, `view_transform`,
/// `elevation_deg`, `scale`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NewDesignJob {
    /// The product; its CAD file is `ready`.
    pub product_id: Uuid,
    /// A stored design: a media asset of the type `design` or `upload`.
    pub design_asset_id: Option<Uuid>,
    /// The id or the name of a printable area, or its surfaces: `{"material": …}`, `{"part": …}`; if absent, the
    /// product's default or only one.
    #[schema(value_type = Option<Object>)]
    pub area: Option<Value>,
    /// The placement that `placement` changes, built in or the tenant's own; if absent, `centered`.
    pub preset: Option<String>,
    /// Where the design lies.
    #[schema(value_type = Option<Object>)]
    pub placement: Option<Value>,
    /// The views to render; if absent, all six.
    pub views: Option<Vec<String>>,
    /// A turntable beside the pictures: `true`, or its `frame_count` (72), `fps` (24), `direction` (`ccw`) and
    /// `formats` (`["mp4"]`); if absent, there is none.
    #[schema(value_type = Option<Object>)]
    pub animation: Option<Value>,
    /// Texels of the texture's longer side; if absent, 4096.
    #[schema(minimum = 512, maximum = 16384)]
    pub texture_px: Option<u32>,
    /// Whether the pictures are put into the product's gallery; if absent, they are.
    pub associate: Option<bool>,
    /// Whether the picture from the front becomes the product's thumbnail; if absent, it does.
    pub set_thumbnail: Option<bool>,
    /// −10 to 10; higher goes first.
    pub priority: Option<i32>,
    /// Anything to keep with the job.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
}

/// Which area a design is for.
#[derive(Clone, Debug, PartialEq)]
pub enum AreaChoice {
    /// The product's default, or its only one.
    Only,
    /// A stored one, by its id or its name.
    Stored(String),
    /// These surfaces.
    Surfaces(AreaRequest),
}

/// A design job that is asked for, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct DesignWish {
    /// The product.
    pub product: ProductId,
    /// The stored design, unless the file came with the request.
    pub design: Option<AssetId>,
    /// The area.
    pub area: AreaChoice,
    /// The name of the preset.
    pub preset: String,
    /// The preset and the placement, as they were given; they can be read. Of a preset of the tenant, its members are
    /// missing until [they are known](DesignWish::build_on).
    pub placement: Value,
    /// The views, in their order.
    pub views: Vec<&'static str>,
    /// The options of its turntable that were given; `None` where there is none.
    pub turntable: Option<Options>,
    /// The options of the pictures that were given.
    pub options: Options,
    /// Whether the gallery gets the pictures.
    pub associate: bool,
    /// Whether the front becomes the thumbnail.
    pub set_thumbnail: bool,
    /// Higher goes first.
    pub priority: i32,
    /// What its sender keeps with it.
    pub metadata: Map<String, Value>,
}

fn specs() -> impl Iterator<Item = &'static OptionSpec> {
    TABLE.iter().filter(|spec| OPTIONS.contains(&spec.name))
}

fn turntable_specs() -> impl Iterator<Item = &'static OptionSpec> {
    TABLE.iter().filter(|spec| TURNTABLE_OPTIONS.contains(&spec.name))
}

impl NewDesignJob {
    /// Reads what is asked of a design job; with a file beside it, it names none.
    ///
    /// # Errors
    /// `unknown_view`; `missing`, `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`,
    /// `conflicting_members`, `option_not_available`, each with its JSON pointer.
    pub fn parse(body: &Value, has_file: bool) -> Result<DesignWish, Invalid> {
        let faults = Faults::default();
        let wish = Node::root(body, &faults).members().and_then(|mut m| {
            let product = m.require("product_id").and_then(|node| parsed(&node));
            let design = design(&mut m, has_file);
            let area = m.given("area").map_or(Some(Ok(AreaChoice::Only)), |node| Some(area(&node)));
            let preset = preset(&mut m);
            let placement = placement(&mut m, preset.as_deref());
            let views = views(&mut m);
            let turntable = m.given("animation").map_or(Some(None), |node| turntable(&node));
            let mut options = Options::default();
            read::options(&mut m, specs(), &mut options);
            let associate = m.given("associate").map_or(Some(true), |node| node.flag());
            let set_thumbnail = m.given("set_thumbnail").map_or(Some(true), |node| node.flag());
            let priority = m.given("priority").map_or(Some(0), |node| node.whole(-10..=10));
            let metadata = optional(&mut m, "metadata", |node| match node.value() {
                Value::Object(members) if node.value().to_string().len() <= METADATA_BYTES_MAX => Some(members.clone()),
                Value::Object(_) => {
                    node.refuse(FaultKind::Range, format!("expected at most {METADATA_BYTES_MAX} bytes as JSON"))
                }
                _ => node.refuse(FaultKind::Type, "expected an object"),
            });
            m.finish();
            let wish = DesignWish {
                product: product?,
                design: design?,
                area: AreaChoice::Only,
                preset: preset?,
                placement,
                views: views?,
                turntable: turntable?,
                options,
                associate: associate?,
                set_thumbnail: set_thumbnail?,
                priority: i32::try_from(priority?).unwrap_or(0),
                metadata: metadata?.unwrap_or_default(),
            };
            Some((wish, area?))
        });
        let mut findings = Vec::new();
        let read = match Invalid::unless_faults(wish, faults) {
            Ok(read) => Some(read),
            Err(invalid) => {
                findings.extend(invalid.findings);
                None
            }
        };
        let (mut wish, area) = match read {
            Some(read) => read,
            None => return Err(Invalid { findings }),
        };
        match area {
            Ok(area) => wish.area = area,
            Err(invalid) => findings.extend(invalid.findings),
        }
        if let Err(invalid) = check_placement(&wish.placement) {
            findings.extend(invalid.findings);
        }
        Invalid::unless_clean(wish, findings)
    }
}

/// What may be wrong with an area and a placement is found by who reads designs.
pub(super) fn area(node: &Node<'_>) -> Result<AreaChoice, Invalid> {
    match node.value() {
        Value::String(text) if !text.is_empty() && text.len() <= NAME_BYTES_MAX => Ok(AreaChoice::Stored(text.clone())),
        Value::Object(_) => {
            let below = |finding: Finding| {
                let pointer = finding.pointer.strip_prefix("/selector").unwrap_or(&finding.pointer).to_owned();
                Finding { pointer: format!("/area{pointer}"), ..finding }
            };
            let read = area_of(node.value());
            let read = read.map_err(|invalid| Invalid { findings: invalid.findings.into_iter().map(below).collect() });
            Ok(AreaChoice::Surfaces(read?))
        }
        _ => Err(Invalid::one("/area", "wrong_type", "expected the id or the name of an area, or its surfaces")),
    }
}

fn design(m: &mut Members<'_>, has_file: bool) -> Option<Option<AssetId>> {
    match (m.given("design_asset_id"), has_file) {
        (Some(node), true) => node.refuse(FaultKind::Conflict, "the design is already sent as the part `design`"),
        (Some(node), false) => parsed(&node).map(Some),
        (None, true) => Some(None),
        (None, false) => {
            m.report("design_asset_id", FaultKind::Missing, "name a stored design, or send it as the part `design`");
            None
        }
    }
}

fn preset(m: &mut Members<'_>) -> Option<String> {
    let named = m.given("preset").map(|node| node.text(PRESET_BYTES_MAX).map(str::to_owned));
    named.unwrap_or_else(|| Some(Preset::Centered.word().to_owned()))
}

fn placement(m: &mut Members<'_>, preset: Option<&str>) -> Value {
    let mut given = Map::new();
    let builtin = preset.filter(|name| Preset::by_word(name).is_some());
    given.extend(builtin.map(|name| ("preset".to_owned(), json!(name))));
    for member in ["placement", "texture_px"] {
        given.extend(m.given(member).map(|node| (member.to_owned(), node.value().clone())));
    }
    Value::Object(given)
}

fn check_placement(placement: &Value) -> Result<DesignRequest, Invalid> {
    DesignRequest::read(placement)
        .map_err(|faults| Invalid { findings: faults.into_iter().map(Finding::from).collect() })
}

/// A part of the six views, in their order.
fn views(m: &mut Members<'_>) -> Option<Vec<&'static str>> {
    let Some(node) = m.given("views") else { return Some(DESIGN_VIEWS.to_vec()) };
    let unknown = || {
        let detail = format!("expected one or more of {}", DESIGN_VIEWS.join(", "));
        node.refuse(FaultKind::Named("unknown_view".to_owned()), detail)
    };
    let Value::Array(names) = node.value() else { return unknown() };
    let is_known = |name: &Value| name.as_str().is_some_and(|name| DESIGN_VIEWS.contains(&name));
    if names.is_empty() || !names.iter().all(is_known) {
        return unknown();
    }
    let is_wanted = |view: &&&str| names.iter().any(|name| name.as_str() == Some(**view));
    Some(DESIGN_VIEWS.iter().filter(is_wanted).copied().collect())
}

/// Whether there is a turntable, or what it is to be.
fn turntable(node: &Node<'_>) -> Option<Option<Options>> {
    match node.value() {
        Value::Bool(is_wanted) => Some(is_wanted.then(Options::default)),
        Value::Object(_) => {
            let (mut m, mut options) = (node.members()?, Options::default());
            read::options(&mut m, turntable_specs(), &mut options);
            m.finish();
            Some(Some(options))
        }
        _ => node.refuse(FaultKind::Type, "expected true, false or an object"),
    }
}

impl DesignWish {
    /// The preset of the tenant that it names; `None` for one that is built in.
    #[must_use]
    pub fn own_preset(&self) -> Option<&str> {
        Some(self.preset.as_str()).filter(|name| Preset::by_word(name).is_none())
    }

    /// The same on the members of a preset.
    #[must_use]
    pub fn build_on(mut self, members: &Value) -> Self {
        self.placement["preset"] = members.clone();
        self
    }

    /// What is rendered, with every option in effect. `materials` are those of the product.
    ///
    /// # Errors
    /// Everything that is wrong with the options, each with its pointer.
    pub fn plan(&self, materials: &Value, limits: &Limits) -> Result<PicturePlan, Invalid> {
        let mut options = self.in_full(materials)?;
        set(&mut options, OptionId::Views, &json!(self.views))?;
        resolved(Kind::Views, &options, limits)
            .map_err(|found| Invalid { findings: found.iter().map(faults::finding).collect() })
    }

    /// The turntable beside these pictures, if there is one: seen from where the front is seen, in the same light.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its pointer.
    pub fn turntable_plan(&self, materials: &Value, limits: &Limits) -> Result<Option<PicturePlan>, Invalid> {
        let Some(own) = &self.turntable else { return Ok(None) };
        let mut options = self.in_full(materials)?;
        for id in [OptionId::Scale, OptionId::Formats] {
            options.clear(id);
        }
        for spec in turntable_specs() {
            if let Some(value) = own.json(spec.id) {
                set(&mut options, spec.id, &value)?;
            }
        }
        let of_turntable = |fault: &plan::OptionFault| {
            let finding = faults::finding(fault);
            match TURNTABLE_OPTIONS.contains(&fault.option.spec().name) {
                true => Finding { pointer: format!("/animation{}", finding.pointer), ..finding },
                false => finding,
            }
        };
        let plan = resolved(Kind::Turntable, &options, limits);
        plan.map(Some).map_err(|found| Invalid { findings: found.iter().map(of_turntable).collect() })
    }

    /// The options of all pictures: those that were given, and what is true of designs where nobody says otherwise.
    fn in_full(&self, materials: &Value) -> Result<Options, Invalid> {
        let mut options = self.options.clone();
        set(&mut options, OptionId::Materials, materials)?;
        for (id, value) in DEFAULTS {
            if self.options.json(id).is_none() {
                set(&mut options, id, &serde_json::from_str(value).unwrap_or_default())?;
            }
        }
        Ok(options)
    }

    /// What workers read of the placement on this area.
    #[must_use]
    pub fn placed_on(&self, area: &AreaRequest) -> Value {
        let mut request = self.placement.clone();
        request["area"] = json_of(area);
        request
    }

    /// The request with everything in effect.
    #[must_use]
    pub fn in_effect(&self, area: &Value, plan: &PicturePlan, turntable: Option<&PicturePlan>) -> Value {
        let placed = check_placement(&self.placement).ok();
        let mut members = Map::new();
        members.insert("product_id".to_owned(), json!(self.product.uuid()));
        members.insert("area".to_owned(), area.clone());
        members.insert("preset".to_owned(), json!(self.preset));
        members.insert("placement".to_owned(), self.placement.get("placement").cloned().unwrap_or_else(|| json!({})));
        members.insert("texture_px".to_owned(), json!(placed.map(|placed| placed.texture_px)));
        members.insert("views".to_owned(), json!(self.views));
        let animation = turntable.map_or(Value::Bool(false), |plan| {
            let member = |spec: &OptionSpec| (spec.name.to_owned(), plan.options.json(spec.id).unwrap_or(Value::Null));
            Value::Object(turntable_specs().map(member).collect())
        });
        members.insert("animation".to_owned(), animation);
        for spec in specs() {
            members.insert(spec.name.to_owned(), plan.options.json(spec.id).unwrap_or(Value::Null));
        }
        members.insert("associate".to_owned(), json!(self.associate));
        members.insert("set_thumbnail".to_owned(), json!(self.set_thumbnail));
        members.insert("priority".to_owned(), json!(self.priority));
        Value::Object(members)
    }
}

/// Sets an option to a value of the service's own, or to one that was read before: it is valid.
fn set(options: &mut Options, id: OptionId, value: &Value) -> Result<(), Invalid> {
    let set = options.set_json(id, value);
    set.map_err(|wrong| Invalid::one(format!("/{}", id.spec().name), "out_of_range", format!("{wrong:?}")))
}

fn resolved(kind: Kind, options: &Options, limits: &Limits) -> Result<PicturePlan, Vec<plan::OptionFault>> {
    plan::resolve(&Base { kind, ..Base::default() }, options, limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: &str = "0198a0c4-0000-7000-8000-000000000001";

    fn parse(more: Value) -> Result<DesignWish, Vec<(String, String)>> {
        let mut body = json!({"product_id": PRODUCT});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let refused = |invalid: Invalid| invalid.findings.into_iter().map(|f| (f.pointer, f.code)).collect();
        NewDesignJob::parse(&body, true).map_err(refused)
    }

    #[test]
    fn d37_views_are_a_part_of_the_six_in_their_order() {
        assert_eq!(parse(json!({})).expect("all").views, DESIGN_VIEWS);
        let two = parse(json!({"views": ["back_180deg", "front_0deg"]})).expect("two");
        assert_eq!(two.views, ["front_0deg", "back_180deg"]);
        for wrong in [json!(["top"]), json!([]), json!("front_0deg")] {
            let refused = parse(json!({"views": wrong})).expect_err("unknown");
            assert_eq!(refused, [("/views".to_owned(), "unknown_view".to_owned())]);
        }
    }

    #[test]
    fn d01_a_request_is_read_strictly() {
        let at = |body: Value, pointer: &str, code: &str| {
            assert_eq!(parse(body).expect_err("refused"), [(pointer.to_owned(), code.to_owned())]);
        };
        at(json!({"colour": 1}), "/colour", "unknown_member");
        at(json!({"animation": 3}), "/animation", "wrong_type");
        at(json!({"animation": {"fps": 0}}), "/animation/fps", "out_of_range");
        at(json!({"animation": {"mode": "orbit"}}), "/animation/mode", "unknown_member");
        at(json!({"area": 3}), "/area", "wrong_type");
        at(json!({"area": {"part": 3}}), "/area/part", "wrong_type");
        at(json!({"placement": {"opacity": 2}}), "/placement/opacity", "out_of_range");
        at(json!({"texture_px": 100}), "/texture_px", "out_of_range");
        at(json!({"design_asset_id": PRODUCT}), "/design_asset_id", "conflicting_members");
        let without = NewDesignJob::parse(&json!({"product_id": PRODUCT}), false).expect_err("no design");
        assert_eq!(without.findings[0].pointer, "/design_asset_id");
    }

    #[test]
    fn d07_pictures_are_seen_straight_and_in_one_size() {
        let wish = parse(json!({})).expect("a wish");
        let plan = wish.plan(&json!({"library": null, "parts": []}), &Limits::default()).expect("a plan");
        let effective = wish.in_effect(&json!(null), &plan, None);
        assert_eq!((&effective["scale"], &effective["animation"]), (&json!("shared"), &json!(false)));
        assert_eq!(effective["elevation_deg"].as_f64(), Some(0.0));
        assert_eq!(effective["view_transform"], "khronos_neutral");
        assert_eq!((effective["width"].as_u64(), effective["texture_px"].as_u64()), (Some(1024), Some(4096)));
        assert_eq!(plan.n_pictures(), 6);
    }

    #[test]
    fn d08_a_turntable_is_72_frames_of_the_same_light_and_begins_with_the_front() {
        let (materials, limits) = (json!({"library": null, "parts": []}), Limits::default());
        let plans = |more: Value| {
            let wish = parse(more).expect("a wish");
            let turntable = wish.turntable_plan(&materials, &limits);
            (wish.plan(&materials, &limits).expect("a plan"), turntable, wish)
        };
        for without in [json!({}), json!({"animation": false})] {
            assert_eq!(plans(without).1, Ok(None));
        }
        // A build without H.264 has no MP4.
        let webp = json!({"formats": ["webp"]});
        let asked = json!({"animation": webp, "seed": 7, "light": "white", "elevation_deg": 5, "formats": ["jpg"]});
        let (views, turntable, wish) = plans(asked);
        let turntable = turntable.expect("a plan").expect("a turntable");
        let effective = wish.in_effect(&json!(null), &views, Some(&turntable));
        let wanted = json!({"frame_count": 72, "fps": 24, "direction": "ccw", "formats": ["webp"]});
        assert_eq!((&effective["animation"], &effective["formats"]), (&wanted, &json!(["jpg"])));
        let direction = turntable.direction().expect("a direction");
        assert_eq!((direction.azimuth_deg, direction.elevation_deg), (0.0, 5.0));
        for id in [OptionId::Seed, OptionId::Light, OptionId::ViewTransform, OptionId::Samples, OptionId::Width] {
            assert_eq!(turntable.options.json(id), views.options.json(id), "{}", id.spec().name);
        }
        // What an MP4 cannot have is said at the member that asks for one.
        let (_, odd, _) = plans(json!({"animation": true, "width": 65, "height": 64}));
        assert_eq!(odd.expect_err("odd").findings[0].pointer, "/animation/formats/0");
    }
}
