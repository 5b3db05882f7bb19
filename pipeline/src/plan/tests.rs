use packshot_renderer::backend::CancelToken;
use packshot_renderer::sample::bearing;
use packshot_renderer::shot::framing::{Fit, Lens};
use packshot_renderer::shot::request::Framing;
use packshot_renderer::shot::{Background, Bounces, ViewTransform};
use packshot_words::Word;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::table::OptionId as O;
use super::words::{FileFormat, GroundWord, Lay, Light, ViewChoice};
use super::*;
use crate::picture::{Encoding, Format};

/// Options as in a request.
fn options(given: &Value) -> Options {
    let mut options = Options::default();
    for (name, value) in given.as_object().expect("an object") {
        let id = O::by_name(name).unwrap_or_else(|| panic!("{name} is an option"));
        options.set_json(id, value).unwrap_or_else(|wrong| panic!("{name}: {wrong:?}"));
    }
    options
}

fn base(kind: Kind) -> Base {
    Base { kind, ..Base::default() }
}

fn plan_of(kind: Kind, given: &Value) -> PicturePlan {
    resolve(&base(kind), &options(given), &Limits::default()).unwrap_or_else(|faults| panic!("{given}: {faults:?}"))
}

fn still(given: &Value) -> PicturePlan {
    plan_of(Kind::Still, given)
}

/// The options that have faults, and the kinds of fault.
fn faults(kind: Kind, given: &Value) -> Vec<(O, FaultKind)> {
    let refused = resolve(&base(kind), &options(given), &Limits::default()).err().unwrap_or_default();
    refused.into_iter().map(|fault| (fault.option, fault.kind)).collect()
}

#[test]
fn nothing_given_is_a_packshot() {
    let plan = still(&json!({}));
    let film = plan.shot_request(None).expect("a rig").film;
    assert_eq!((film.width_px, film.height_px, film.samples, film.bounces), (1024, 1024, 256, Bounces::all(12)));
    assert_eq!((film.noise_threshold, film.clamp_indirect, film.seed), (0.01, 0.0, 0));
    assert_eq!(plan.files[0].output, Output::Picture(Encoding::default()));
    assert_eq!((plan.options.view, plan.options.light), (Some(ViewChoice::ThreeQuarter), Some(Light::StudioSoft)));
    assert_eq!((plan.options.fill, plan.options.lens_mm, plan.options.margin_px), (Some(0.85), Some(85.0), None));
    let limits = Limits { samples_default: 64, device_default: "cpu".to_owned(), ..Limits::default() };
    let plan = resolve(&base(Kind::Still), &Options::default(), &limits).expect("all defaults");
    assert_eq!((plan.options.samples, plan.options.device.as_deref()), (Some(64), Some("cpu")));
}

#[test]
fn fill_reaches_the_camera() {
    let plan = still(&json!({"fill": 0.8}));
    let Framing::Auto { fit, .. } = plan.shot_request(None).expect("a rig").framing else { panic!("framed") };
    assert_eq!(fit, Fit::Fill(0.8));
}

#[test]
fn a_template_lays_flat_what_nobody_turned() {
    let lay = |given: &Value| still(given).options.lay;
    assert_eq!(lay(&json!({"template": "top_down_flatlay"})), Some(Lay::Flat));
    assert_eq!(lay(&json!({"template": "top_down_flatlay", "lay": "as_modelled"})), Some(Lay::AsModelled));
    assert_ne!(lay(&json!({"template": "top_down_flatlay", "rotate_deg": [0, 45, 0]})), Some(Lay::Flat));
    let both = json!({"lay": "flat", "rotate_deg": [0, 45, 0]});
    assert_eq!(faults(Kind::Still, &both), [(O::Lay, FaultKind::Conflict)]);

    let size_mm = |given: &Value| {
        let product = still(given).import(&bearing().glb, &CancelToken::default()).expect("a product");
        let bounds = product.scene.bounds().expect("parts");
        let size = (bounds.max - bounds.min).to_array().map(|side| (side * 1e3).round());
        (size, product.import.rotate_deg)
    };
    assert_eq!(size_mm(&json!({})), ([52.0, 52.0, 15.0], [0.0; 3]));
    assert_eq!(size_mm(&json!({"lay": "flat"})), ([52.0, 15.0, 52.0], [-90.0, 0.0, 0.0]));
    let lies = json!({"lay": "flat", "up_axis": "z"});
    assert_eq!(size_mm(&lies), ([52.0, 15.0, 52.0], [0.0; 3]), "it lies already");
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let plan = still(&json!({"template": "hero_dark"}));
    let options = &plan.options;
    assert_eq!((options.azimuth_deg, options.elevation_deg, options.view), (Some(32.0), Some(10.0), None));
    assert_eq!((options.width, options.height, options.samples), (Some(2400), Some(1600), Some(1024)));
    assert_eq!((options.light, options.lens_mm), (Some(Light::Template), Some(70.0)));
    assert_eq!(options.formats, Some(vec![FileFormat::Png]));

    let given =
        json!({"template": "hero_dark", "preset": "autocare", "height": 1500, "view": "front", "light": "white"});
    let plan = still(&given);
    let options = &plan.options;
    assert_eq!((options.width, options.height), (Some(2500), Some(1500)));
    assert_eq!(options.background, Some(Background::Color { srgb: [1.0; 3] }));
    assert_eq!((options.margin_px, options.trim, options.view), (Some(10), Some(true), Some(ViewChoice::Front)));
    assert_eq!((options.light, options.azimuth_deg), (Some(Light::White), None));
    assert_eq!(options.formats, Some(vec![FileFormat::Jpg]));

    let plan = plan_of(Kind::Turntable, &json!({"preset": "amazon_360"}));
    assert_eq!((plan.options.frame_count, &plan.options.formats), (Some(72), &Some(vec![FileFormat::Png])));

    // The ground of a template is shown as the template has it.
    let options = still(&json!({"template": "hero_dark"})).options;
    let shown = [O::GroundColor, O::GroundRoughness].map(|option| options.json(option));
    assert_eq!(shown, [Some(json!("#14181E")), Some(json!(0.12))]);

    let look = still(&json!({"look": "blender-5.0"}));
    let film = look.shot_request(None).expect("a rig").film;
    assert_eq!((film.bounces.diffuse, film.bounces.total, film.clamp_indirect), (4, 12, 10.0));
    let look = still(&json!({"look": "blender-5.0", "max_bounces": 3, "clamp_indirect": 0}));
    let film = look.shot_request(None).expect("a rig").film;
    assert_eq!((film.bounces, film.clamp_indirect), (Bounces::all(3), 0.0));
}

#[test]
fn colours_are_those_of_a_catalogue_or_of_blender() {
    let view = |given: &Value| still(given).options.view_transform.map_or("none", Word::word);
    assert_eq!(view(&json!({})), "khronos_neutral");
    assert_eq!(view(&json!({"look": "blender-5.0"})), "agx");
    assert_eq!(view(&json!({"look": "blender-5.0", "view_transform": "standard"})), "standard");
    assert_eq!(view(&json!({"template": "hero_dark"})), "agx_medium_high_contrast");
    assert_eq!(view(&json!({"template": "hero_dark", "preset": "amazon_main"})), "khronos_neutral");
    assert_eq!(view(&json!({"look": "blender-5.0", "preset": "amazon_main"})), "agx");
    let whites =
        ["catalogue_white", "high_key", "marketplace_main", "tent_metal", "white_on_white", "technical_ortho_front"];
    for white in whites {
        assert_eq!(view(&json!({"template": white})), "khronos_neutral", "{white}");
    }
}

#[test]
fn what_is_given_takes_back_what_it_replaces() {
    let lens = |given: &Value| match still(given).shot_request(None).expect("a rig").framing {
        Framing::Auto { lens, .. } => lens,
        Framing::SceneCamera { .. } => panic!("framed"),
    };
    let ortho = json!({"template": "technical_ortho_front"});
    assert_eq!(lens(&ortho), Lens::Orthographic);
    assert_eq!(
        lens(&json!({"template": "technical_ortho_front", "lens_mm": 50})),
        Lens::Perspective { focal_mm: 50.0 }
    );
    assert_eq!(
        lens(&json!({"template": "technical_ortho_front", "ortho": false})),
        Lens::Perspective { focal_mm: 85.0 }
    );
    let fit = |given: &Value| still(given).fit();
    assert_eq!(fit(&json!({"preset": "autocare"})), Fit::TrimmedToPx(10));
    // The first of three former differences between command and service: another margin for a trimmed picture leaves it
    // trimmed.
    assert_eq!(fit(&json!({"preset": "autocare", "margin_px": 12})), Fit::TrimmedToPx(12));
    assert_eq!(fit(&json!({"preset": "autocare", "margin_px": 12, "trim": false})), Fit::MarginPx(12));
    assert_eq!(fit(&json!({"preset": "autocare", "fill": 0.5})), Fit::Fill(0.5));
    let plan = still(&json!({"shadow_catcher": true, "ground_color": "#808080"}));
    assert_eq!(plan.options.ground, Some(GroundWord::Shadow));
    assert_eq!(
        still(&json!({"view_transform": "agx_punchy"})).options.view_transform.map(Word::word),
        Some("agx_punchy")
    );
    assert_eq!(ViewTransform::by_word("raw"), Some(ViewTransform::Raw));
}

#[test]
fn files_are_those_of_the_template() {
    // The second of three former differences.
    let files = |given: &Value| still(given).files;
    let plain = files(&json!({"template": "technical_ortho_front"}));
    let edges = files(&json!({"template": "technical_ortho_front", "edges": true}));
    assert_eq!(plain, edges);
    let Output::Picture(Encoding { format, dpi }) = plain[0].output else { panic!("a picture") };
    assert_eq!((format.bit_depth(), dpi), (16, std::num::NonZeroU16::new(300)));
    let named = files(&json!({"template": "technical_ortho_front", "formats": ["png"]}));
    assert_eq!(named, plain, "who names the format gets it as the template writes it");
    let eight = files(&json!({"template": "technical_ortho_front", "bit_depth": 8}));
    assert!(matches!(eight[0].output, Output::Picture(encoding) if encoding.format.bit_depth() == 8));
    let both = files(&json!({"template": "catalogue_white"}));
    let names: Vec<_> = both.iter().map(|file| (file.suffix.as_str(), file.extension.as_str())).collect();
    assert_eq!(names, [("", "png"), ("_print", "tiff")]);
    assert_eq!(files(&json!({"formats": "jpg"}))[0].format, FileFormat::Jpg, "one word for a list of one");
    let movie = plan_of(Kind::Turntable, &json!({})).files;
    assert!(matches!(movie[0].output, Output::Movie(_)));
    let frames = Base { makes_frames: true, ..base(Kind::Turntable) };
    let frames = resolve(&frames, &Options::default(), &Limits::default()).expect("frames").files;
    assert!(matches!(frames[0].output, Output::Picture(Encoding { format: Format::Png(_), .. })));
}

#[test]
fn r10_what_contradicts_is_refused_with_its_option() {
    use FaultKind::{Conflict, Missing, Range, Word as NoWord};
    for (given, option, kind) in [
        (json!({"width": 16384, "height": 16384}), O::Width, FaultKind::Named(TOO_LARGE.to_owned())),
        (json!({"template": "mine"}), O::Template, NoWord),
        (json!({"view": "front", "azimuth_deg": 3}), O::AzimuthDeg, Conflict),
        (json!({"view": "front", "camera": "Above"}), O::Camera, Conflict),
        (json!({"camera": "Above", "fill": 0.5}), O::Fill, Conflict),
        (json!({"camera": "Above", "crop_to": ["Ring"]}), O::CropTo, Conflict),
        (json!({"fill": 0.5, "margin_px": 10}), O::MarginPx, Conflict),
        (json!({"trim": true}), O::Trim, Missing),
        (json!({"ortho": true, "lens_mm": 50}), O::LensMm, Conflict),
        (json!({"dof": 2.8, "ortho": true}), O::Dof, Conflict),
        (json!({"focus": "Ring"}), O::Focus, Missing),
        (json!({"light": "environment"}), O::Light, Missing),
        (json!({"light": "template"}), O::Light, Missing),
        (json!({"light": "template", "template": "macro_detail"}), O::Light, Missing),
        (json!({"ground_color": "#F0F0F0"}), O::GroundColor, Missing),
        (json!({"ground": "shadow", "ground_roughness": 0.2}), O::GroundRoughness, Conflict),
        (json!({"ground": "floor", "shadow_catcher": true}), O::ShadowCatcher, Conflict),
        (json!({"material": ["Ring"]}), O::Material, Range),
        (json!({"lines_only": true}), O::LinesOnly, Missing),
        (json!({"edges": true, "formats": ["exr"]}), O::Edges, Conflict),
        (json!({"edges": true, "lines_only": true, "formats": ["png", "exr"]}), O::LinesOnly, Conflict),
        (json!({"edges": true, "lines_only": true, "background": "environment"}), O::LinesOnly, Conflict),
        (json!({"wireframe": true, "crease_deg": 20}), O::CreaseDeg, Missing),
        (json!({"aovs": ["normal"]}), O::Aovs, Conflict),
        (json!({"exr": "float"}), O::Exr, Conflict),
        (json!({"quality": 80}), O::Quality, Conflict),
        (json!({"bit_depth": 10}), O::BitDepth, Conflict),
        (json!({"bit_depth": 32, "formats": ["tiff", "png"]}), O::BitDepth, Conflict),
        (json!({"bit_depth": 16, "formats": ["jpg"]}), O::BitDepth, Conflict),
        (json!({"formats": ["mp4"]}), O::Formats, Conflict),
        (json!({"preset": "google", "formats": ["exr"]}), O::Formats, Conflict),
        (json!({"preset": "google", "width": 400}), O::Width, Conflict),
        (json!({"preset": "amazon_main", "background": "#F0F0F0"}), O::Background, Conflict),
        (json!({"frame_count": 24}), O::FrameCount, Conflict),
        (json!({"views": "six_view"}), O::Views, Conflict),
        (json!({"formats": ["webp"], "width": 16384}), O::Formats, FaultKind::Named("encode.too_large".to_owned())),
    ] {
        assert_eq!(faults(Kind::Still, &given), [(option, kind)], "{given}");
    }
    for (given, option) in [
        (json!({"preset": "google"}), O::Preset),
        (json!({"ground": "sweep"}), O::Ground),
        (json!({"dpi": 300, "formats": ["webp"]}), O::Dpi),
        (json!({"preset": "amazon_360", "formats": ["mp4"], "width": 1500, "height": 1500}), O::Formats),
        (json!({"preset": "amazon_360", "direction": "cw"}), O::Direction),
        (json!({"preset": "amazon_360", "start_deg": 5}), O::StartDeg),
        (json!({"preset": "amazon_360", "frame_count": 30}), O::FrameCount),
        (json!({"preset": "amazon_360", "elevation_deg": 45}), O::ElevationDeg),
    ] {
        assert_eq!(faults(Kind::Turntable, &given), [(option, Conflict)], "{given}");
    }
    assert_eq!(faults(Kind::Views, &json!({"view": "front"})), [(O::View, Conflict)]);
    let shared = json!({"scale": "shared", "trim": true, "margin_px": 5});
    assert_eq!(faults(Kind::Views, &shared), [(O::Scale, Conflict)]);
    assert_eq!(faults(Kind::Views, &json!({"formats": ["zip"], "elevation_deg": 30})), []);
}

#[test]
fn an_option_that_excludes_one_of_an_earlier_layer_gives_way() {
    let overlaid = |layers: &[Value]| {
        let layers: Vec<Options> = layers.iter().map(options).collect();
        let at_last = Options::overlaid(&layers, |id| id != O::Seed);
        serde_json::to_value(at_last).expect("options are JSON")
    };
    for (layers, expected) in [
        (
            vec![json!({"azimuth_deg": 30.0}), json!({"view": "top", "width": 64})],
            json!({"azimuth_deg": 30.0, "width": 64}),
        ),
        (vec![json!({"view": "top"}), json!({"azimuth_deg": 30.0, "elevation_deg": 5.0})], json!({"view": "top"})),
        (vec![json!({"camera": "A"}), json!({"view": "top", "fill": 0.5, "seed": 1})], json!({"camera": "A"})),
        (vec![json!({"ground": "floor"}), json!({"shadow_catcher": true})], json!({"ground": "floor"})),
        (vec![json!({"shadow_catcher": true}), json!({"ground": "floor"})], json!({"shadow_catcher": true})),
        (vec![json!({}), json!({"view": "top"}), json!({"azimuth_deg": 1.0})], json!({"view": "top"})),
    ] {
        assert_eq!(overlaid(&layers), expected, "{layers:?}");
    }
    // Within a layer nothing gives way: that is somebody's mistake, and is told.
    let both = overlaid(&[json!({}), json!({"view": "top", "azimuth_deg": 1.0})]);
    assert_eq!(both, json!({"view": "top", "azimuth_deg": 1.0}));
}

#[test]
fn an_unknown_template_is_named_with_the_one_that_was_probably_meant() {
    let refused = |name: &str| {
        let given = options(&json!({"template": name}));
        refused_as(&resolve(&base(Kind::Still), &given, &Limits::default()).expect_err("unknown"), &PlainNames)
    };
    let (at, message, help) = refused("hero_drak");
    assert_eq!((at.as_str(), message.as_str()), ("template", "there is no built-in template `hero_drak`"));
    assert!(help.starts_with("did you mean `hero_dark`?"), "{help}");
    let (_, _, help) = refused("mine");
    assert!(help.starts_with("one of ") && help.contains("hero_dark"), "{help}");
}

#[test]
fn each_surface_names_options_as_its_users_do() {
    struct Dashed;
    impl Names for Dashed {
        fn option(&self, id: O) -> String {
            format!("--{}", id.spec().command_name())
        }

        fn with(&self, id: O, value: &str) -> String {
            format!("{} {value}", self.option(id))
        }

        fn kind(&self, kind: Kind) -> String {
            format!("packshot {kind}")
        }
    }
    let refused =
        resolve(&base(Kind::Still), &options(&json!({"trim": true})), &Limits::default()).expect_err("no margin");
    let said = refused_as(&refused, &Dashed);
    assert_eq!(
        said,
        (
            "--trim".to_owned(),
            "`--trim` needs a margin to leave around the product".to_owned(),
            "add `--margin-px 10`".to_owned()
        )
    );
    let said = refused_as(&refused, &PlainNames);
    assert_eq!(
        said,
        (
            "trim".to_owned(),
            "`trim` needs a margin to leave around the product".to_owned(),
            "add `margin_px: 10`".to_owned()
        )
    );
    let refused = resolve(&base(Kind::Views), &options(&json!({"fps": 12})), &Limits::default()).expect_err("no movie");
    assert_eq!(refused_as(&refused, &Dashed).1, "`--fps` is only for `packshot turntable`, not for `packshot views`");
    assert_eq!(refused_as(&refused, &PlainNames).1, "`fps` is only for `turntable`, not for `views`");
    let refused = resolve(&base(Kind::Still), &options(&json!({"formats": ["zip"]})), &Limits::default());
    let zip = refused_as(&refused.expect_err("one picture"), &PlainNames).1;
    assert_eq!(zip, "`zip` is only for `views` and `turntable`, not for `still`");
}

fn refused_as(faults: &[OptionFault], names: &dyn Names) -> (String, String, String) {
    let error = refused(faults, names);
    let fault = &error.faults[0];
    (fault.at.clone(), fault.message.clone(), fault.help.clone())
}

/// A valid value of an option, or an invalid one.
fn value(takes: &Takes) -> BoxedStrategy<Value> {
    let words = |list: &option::WordList| {
        let words: Vec<&'static str> = list().into_iter().map(|(word, _)| word).collect();
        proptest::sample::select(words)
    };
    match takes {
        Takes::Flag => any::<bool>().prop_map(|flag| json!(flag)).boxed(),
        Takes::Whole { min, max } => (*min..=*max).prop_map(|n| json!(n)).boxed(),
        Takes::OneOf(numbers) => proptest::sample::select(numbers.to_vec()).prop_map(|n| json!(n)).boxed(),
        Takes::Real { min, max } => (*min..=max.min(1e6)).prop_map(|n| json!(n)).boxed(),
        Takes::Three { min, max } => {
            proptest::array::uniform3(min.max(-1e6)..=max.min(1e6)).prop_map(|n| json!(n)).boxed()
        }
        Takes::Positive { max } => (1e-3..=max.min(1e6)).prop_map(|n| json!(n)).boxed(),
        Takes::Word(list) => words(list).prop_map(|word| json!(word)).boxed(),
        Takes::Words { list, .. } => {
            proptest::collection::hash_set(words(list), 1..4).prop_map(|set| json!(set)).boxed()
        }
        Takes::Text { .. } => "[A-Za-z_]{1,8}".prop_map(|text| json!(text)).boxed(),
        Takes::Texts { .. } => {
            proptest::collection::vec("[A-Za-z_]{1,5}=[a-z]{1,3}", 0..3).prop_map(|texts| json!(texts)).boxed()
        }
        Takes::Form { .. } => proptest::sample::select(vec!["#FFFFFF", "#102030"]).prop_map(|text| json!(text)).boxed(),
        Takes::Materials => Just(json!({"parts": [{"part_name": "Ring", "material": "Steel"}]})).boxed(),
    }
}

/// A few options with random values.
fn some_options() -> impl Strategy<Value = Options> {
    let one = proptest::sample::select(TABLE.iter().map(|spec| spec.id).collect::<Vec<_>>());
    let valued = one.prop_flat_map(|id| value(&id.spec().takes).prop_map(move |value| (id, value)));
    proptest::collection::vec(valued, 0..5).prop_map(|given| {
        let mut options = Options::default();
        for (id, value) in given {
            options.set_json(id, &value).unwrap_or_else(|wrong| panic!("{id:?} {value}: {wrong:?}"));
        }
        if options.template.is_some() {
            options.template = Some("hero_dark".to_owned());
        }
        options
    })
}

proptest! {
    #[test]
    fn r95_the_options_in_effect_give_the_same_plan(
        given in some_options(), kind in proptest::sample::select(vec![Kind::Still, Kind::Turntable, Kind::Views]), lit in any::<bool>(),
    ) {
        let base = Base { kind, has_environment: lit, ..Base::default() };
        if let Ok(plan) = resolve(&base, &given, &Limits::default()) {
            let written: Options = {
                let mut options = Options::default();
                for id in OptionId::all() {
                    if let Some(value) = plan.options.json(id) {
                        options.set_json(id, &value).map_err(|wrong| TestCaseError::fail(format!("{id:?} {value}: {wrong:?}")))?;
                    }
                }
                options
            };
            prop_assert_eq!(&written, &plan.options, "through JSON");
            let again = resolve(&base, &written, &Limits::default());
            prop_assert_eq!(again, Ok(plan));
        }
    }
}
