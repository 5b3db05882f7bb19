//! What a command line and a document can say, and the schema that describes it.

use packshot_designs::area::{AxisWord, MappingWord};
use packshot_designs::placement::members::{MEMBERS, Takes};
use packshot_designs::placement::{DesignFinish, FitWord, Length, Spot, UnitWord, schema};
use packshot_designs::{DesignRequest, Preset, Selector};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn a_command_line_says_what_a_document_says() {
    let text =
        "width=60mm,at=front,rotation_deg=15deg,preset=upper_left,mapping=cylindrical,axis=y,texture_px=2048,strict";
    let of_text = DesignRequest::from_text(Some("part=Mug/Body"), Some(text)).expect("sound");
    let document = json!({
        "area": {"part": "Mug/Body", "mapping": "cylindrical", "axis": "y"},
        "preset": "upper_left",
        "placement": {"width": 60, "unit": "mm", "at": "front", "rotation_deg": 15, "strict": true},
        "texture_px": 2048,
    });
    assert_eq!(of_text, DesignRequest::read(&document).expect("sound"));
    let area = of_text.area.expect("given");
    assert_eq!((area.mapping, area.axis), (MappingWord::Cylindrical, Some(AxisWord::Y)));
    // A name may have any characters, and says what it is where both have it.
    let named = |on: &str| DesignRequest::from_text(Some(on), None).expect("sound").area.expect("given").selector;
    assert_eq!(named("Body, left=1"), Selector::Named("Body, left=1".to_owned()));
    assert_eq!(named("material=Print"), Selector::Material("Print".to_owned()));
    let both = Selector::Both { material: "Print".to_owned(), part: "Body".to_owned() };
    assert_eq!(named("part=Body,material=Print"), both);
    assert_eq!(DesignRequest::from_text(None, None).expect("nothing is sound").preset, Some(Preset::Centered));
}

#[test]
fn a_size_takes_the_place_of_the_preset_s_and_points_are_in_millimetres() {
    let placement = |text: &str| DesignRequest::from_text(None, Some(text)).expect("sound").placement;
    let centered = placement("x=3");
    let area = |value| Some(Length { value, unit: UnitWord::Area });
    assert_eq!((centered.width, centered.height, centered.x.unit), (area(0.6), area(0.6), UnitWord::Mm));
    let sized = placement("height=20");
    assert_eq!((sized.width, sized.height), (None, Some(Length { value: 20.0, unit: UnitWord::Mm })));
    assert_eq!(placement("at=10/-20/5").at, Some(Spot::Point(glam::DVec3::new(0.01, -0.02, 0.005))));
    assert_eq!(placement("unit=uv").x, Length { value: 0.5, unit: UnitWord::Uv });
    assert_eq!((placement("finish=tint").finish, placement("fit=none").fit), (DesignFinish::Tint, FitWord::None));
}

#[test]
fn everything_wrong_is_found_with_its_member() {
    let faults = |text: &str| -> Vec<(String, String)> {
        let faults = DesignRequest::from_text(None, Some(text)).expect_err("wrong");
        faults.into_iter().map(|fault| (fault.at, fault.message)).collect()
    };
    let found = faults("widht=60,opacity=2,fit=filled,bleed_mm=x,at=above,x=1,x=2");
    let places: Vec<&str> = found.iter().map(|(at, _)| at.as_str()).collect();
    for place in ["widht", "opacity", "fit", "bleed_mm", "at", "x"] {
        assert!(places.contains(&place), "{place}: {found:?}");
    }
    assert!(found[0].1.contains("did you mean `width`?"), "{found:?}");
    assert_eq!(faults("unit=area,width=60mm")[0].0, "width");
    assert_eq!(faults("at=1/2")[0].0, "at");
    let document = json!({"placement": {"width": 0}, "area": {}, "scale": 2});
    let faults = DesignRequest::read(&document).expect_err("wrong");
    let places: Vec<&str> = faults.iter().map(|fault| fault.at.as_str()).collect();
    for place in ["/placement/width", "/area", "/scale"] {
        assert!(places.contains(&place), "{place}: {faults:?}");
    }
}

#[test]
fn the_schema_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/designs.schema.json");
    let text = packshot_json::write(&schema());
    if std::env::var_os("UPDATE_TEXTS").is_some() {
        std::fs::write(path, &text).expect("the folder of documents");
    }
    assert_eq!(std::fs::read_to_string(path).expect("a document"), text, "UPDATE_TEXTS=1 writes it");
}

#[test]
fn the_page_explains_every_member_and_word() {
    let page = include_str!("../../../docs/designs.md");
    for member in MEMBERS {
        assert!(page.contains(&format!("`{}`", member.name)), "{}", member.name);
        if let Takes::Word(words) = member.takes {
            words()
                .iter()
                .for_each(|(word, _)| assert!(page.contains(&format!("`{word}`")), "{}: {word}", member.name));
        }
    }
}

/// A value of any kind, as somebody may send it.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-500.0..500.0f64).prop_map(Value::from),
        (0u32..20_000).prop_map(Value::from),
        prop_oneof!["contain", "mm", "front", "-x", "ink", "auto", "centered", "y", "top_left"].prop_map(Value::from),
        "[a-z=/]{0,12}".prop_map(Value::from),
        prop::collection::vec(-9.0..9.0f64, 0..4).prop_map(Value::from),
    ]
}

proptest! {
    /// What is read has sound numbers, whatever was sent; and what a command line says is never a panic.
    #[test]
    fn documents_are_read_or_refused(members in prop::collection::vec((0..MEMBERS.len(), any_value()), 0..6)) {
        let placement = members.iter().map(|(at, value)| (MEMBERS[*at].name.to_owned(), value.clone()));
        let document = json!({"placement": Value::Object(placement.collect())});
        if let Ok(read) = DesignRequest::read(&document) {
            let numbers = [read.placement.x.value, read.placement.y.value, read.placement.rotation_deg];
            prop_assert!(numbers.iter().all(|number| number.is_finite()));
            prop_assert!((0.0..=1.0).contains(&read.placement.opacity));
        }
    }

    #[test]
    fn texts_are_read_or_refused(text in "[a-z_=,/0-9. -]{0,40}") {
        let _ = DesignRequest::from_text(Some(&text), Some(&text));
    }
}

#[test]
fn d65_members_take_the_place_of_a_preset_each_with_its_own_unit() {
    let own = json!({"unit": "area", "width": 0.5, "x": 0.1, "flip_horizontal": true, "at": "back"});
    let read = DesignRequest::read(&json!({"preset": own, "placement": {"y": 7}})).expect("a request");
    let length = |value, unit| Length { value, unit };
    let placement = &read.placement;
    assert_eq!((placement.x, placement.y), (length(0.1, UnitWord::Area), length(7.0, UnitWord::Mm)));
    assert_eq!((placement.width, placement.flip_horizontal), (Some(length(0.5, UnitWord::Area)), true));
    assert_eq!((placement.at.is_some(), read.preset), (true, None));
    let over = json!({"preset": own, "placement": {"flip_horizontal": false, "height": 20, "at": [0, 0, 40]}});
    let placement = DesignRequest::read(&over).expect("a request").placement;
    assert_eq!((placement.flip_horizontal, placement.width), (false, None), "a size takes the place of the preset's");
    let wrong = DesignRequest::read(&json!({"preset": {"opacity": 3, "colour": 1}})).expect_err("it is refused");
    let places: Vec<&str> = wrong.iter().map(|fault| fault.at.as_str()).collect();
    assert_eq!(places, ["/preset/opacity", "/preset/colour"]);
}
