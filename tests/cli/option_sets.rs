//! Pseudo-random sets of options, the same in every run: for properties that must hold whatever the options.

use packshot::plan::{Kind, OptionId, Takes};
use serde_json::{Map, Value, json};

/// A kind of render and options for it, by their names in requests.
#[derive(Clone, Debug)]
pub(crate) struct OptionSet {
    pub(crate) kind: Kind,
    pub(crate) options: Map<String, Value>,
}

/// Numbers that look like chance (Knuth, MMIX).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

/// The options of a picture, with one line per group.
fn groups(kind: Kind) -> Vec<Vec<Value>> {
    let camera = match kind {
        Kind::Still | Kind::Turntable => vec![
            json!({}),
            json!({"view": "front"}),
            json!({"azimuth_deg": -30.5, "elevation_deg": 12.25}),
            json!({"camera": "Above"}),
            json!({"view": "left", "lens_mm": 35, "dof": 2, "focus": "Pin_*"}),
            json!({"ortho": true, "view": "top"}),
        ],
        Kind::Views => vec![
            json!({"views": ["front", "top"]}),
            json!({"views": ["front_0deg", "right_60deg"], "elevation_deg": 10}),
            json!({"views": ["left", "three_quarter"], "scale": "shared"}),
        ],
    };
    let mut fit = vec![json!({}), json!({"fill": 0.5}), json!({"margin_px": 3}), json!({"crop_to": ["*_0?"]})];
    let mut ground = vec![
        json!({}),
        json!({}),
        json!({"ground": "shadow"}),
        json!({"ground": "floor", "ground_color": "#804020"}),
        json!({"ground": "reflection", "ground_roughness": 0.2}),
    ];
    if kind != Kind::Turntable {
        fit.push(json!({"margin_px": 2, "trim": true}));
        ground.push(json!({"ground": "sweep"}));
    }
    let turn = match kind {
        Kind::Turntable => vec![
            json!({"frame_count": 2}),
            json!({"frame_count": 3, "start_deg": 12.5, "direction": "cw", "mode": "orbit"}),
        ],
        Kind::Still | Kind::Views => vec![json!({})],
    };
    let formats = match kind {
        Kind::Still => {
            vec![json!(["png"]), json!(["exr"]), json!(["png", "exr"]), json!(["jpg"]), json!(["tiff", "exr"])]
        }
        Kind::Views => vec![json!(["png"]), json!(["png", "exr"])],
        Kind::Turntable => vec![json!(["png"]), json!(["exr"])],
    };
    vec![
        camera,
        fit,
        ground,
        turn,
        formats.into_iter().map(|formats| json!({ "formats": formats })).collect(),
        vec![
            json!({}),
            json!({"light": "white"}),
            json!({"light": "glb"}),
            json!({"light": "studio_contrast", "light_rotation_deg": 77}),
        ],
        vec![
            json!({}),
            json!({"background": "#336699"}),
            json!({"background": "white"}),
            json!({"background": "environment"}),
        ],
        vec![
            json!({}),
            json!({"view_transform": "khronos_neutral", "exposure_ev": 0.3}),
            json!({"view_transform": "agx_punchy"}),
            json!({"view_transform": "raw"}),
        ],
        vec![
            json!({}),
            json!({"hide": ["Lid"]}),
            json!({"only": ["*i*"]}),
            json!({"up_axis": "z", "unit_scale": 0.001}),
            json!({"rotate_deg": [-30, 15.5, 90], "smooth_deg": 95}),
            json!({"lay": "flat"}),
            json!({"look": "blender-5.0"}),
        ],
        vec![
            json!({}),
            json!({"clay": true}),
            json!({"material": ["Base=Steel", "Lid=Glass"], "on_unmapped": "keep"}),
            json!({"material": ["Pin_01=Brass", "Lid=PMMA"]}),
            json!({"on_unmapped": "keep"}),
        ],
        vec![
            json!({}),
            json!({}),
            json!({"edges": true, "line_width_px": 2}),
            json!({"wireframe": true, "line_color": "#102030"}),
            json!({"edges": true, "lines_only": true, "crease_deg": 40}),
        ],
        vec![json!({}), json!({"seed": 7, "filter": "box"}), json!({"max_bounces": 3, "clamp_indirect": 2.5})],
        vec![json!({}), json!({"denoise": "off"}), json!({"denoise": "on"})],
        vec![
            json!({}),
            json!({}),
            json!({}),
            json!({"template": "hero_dark"}),
            json!({"template": "three_point_classic"}),
        ],
    ]
}

/// Sets of all three kinds, one after the other, of small pictures.
pub(crate) fn option_sets(seed: u64, n: usize) -> Vec<OptionSet> {
    let mut chance = Chance(seed);
    let set = |i: usize| {
        let kind = [Kind::Still, Kind::Views, Kind::Turntable][i % 3];
        let mut options = Map::new();
        for group in groups(kind) {
            options.extend(group[chance.below(group.len())].as_object().expect("an object").clone());
        }
        for (name, value) in [("width", 36), ("height", 24), ("samples", 2)] {
            options.insert(name.to_owned(), json!(value));
        }
        OptionSet { kind, options }
    };
    (0..n).map(set).collect()
}

impl OptionSet {
    /// The command that makes these pictures.
    pub(crate) fn command(&self) -> &'static str {
        match self.kind {
            Kind::Still => "render",
            Kind::Views => "views",
            Kind::Turntable => "turntable",
        }
    }

    /// The options as arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        self.options.iter().flat_map(|(name, value)| argument(name, value)).collect()
    }
}

fn argument(name: &str, value: &Value) -> Vec<String> {
    let spec = OptionId::by_name(name).expect("an option").spec();
    let option = format!("--{}", spec.command_name());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (value, &spec.takes) {
        (Value::Bool(flag), _) => vec![format!("{option}={flag}")],
        (Value::Array(values), Takes::Texts { .. }) => {
            values.iter().map(|value| format!("{option}={}", text(value))).collect()
        }
        (Value::Array(values), _) => {
            vec![option, values.iter().map(text).collect::<Vec<_>>().join(",")]
        }
        (value, _) => vec![format!("{option}={}", text(value))],
    }
}
