//! Where designs lie, in millimetres: what reports say, and what textures show.

use packshot_designs::area::find;
use packshot_designs::resolve::{PlacementReport, WarningCode, resolve};
use packshot_designs::{AreaRequest, DesignCode, DesignRequest, Preset, Selector};
use packshot_renderer::scene::Scene;
use packshot_words::Word;

use crate::fixtures::{Layout, area, assert_near, design, letter, mug, placed, plain, request, tag};

fn report(scene: &Scene, place: &str) -> PlacementReport {
    placed(scene, &design(&letter()), place).report
}

fn warned(report: &PlacementReport) -> Vec<WarningCode> {
    report.warnings.iter().map(|warning| warning.code).collect()
}

#[track_caller]
fn assert_box(report: &PlacementReport, [x, y, width, height]: [f64; 4]) {
    let found = report.box_mm;
    for (found, expected) in [(found.x, x), (found.y, y), (found.width, width), (found.height, height)] {
        assert!((found - expected).abs() <= 0.1, "{:?} is not {:?}", report.box_mm, [x, y, width, height]);
    }
}

#[test]
fn d45_a_place_in_millimetres_and_nine_anchors() {
    let tag = tag(Layout::default());
    assert_box(&report(&tag, "x=20,y=-10,width=12,height=8"), [20.0, -10.0, 12.0, 8.0]);
    let anchors = [
        ("center", 0.0, 0.0),
        ("top", 0.0, -4.0),
        ("bottom", 0.0, 4.0),
        ("left", 6.0, 0.0),
        ("right", -6.0, 0.0),
        ("top_left", 6.0, -4.0),
        ("top_right", -6.0, -4.0),
        ("bottom_left", 6.0, 4.0),
        ("bottom_right", -6.0, 4.0),
    ];
    for (anchor, x, y) in anchors {
        let place = format!("x=5,y=3,width=12,height=8,anchor={anchor}");
        assert_box(&report(&tag, &place), [5.0 + x, 3.0 + y, 12.0, 8.0]);
    }
}

#[test]
fn d49_turning_is_about_the_anchor() {
    let tag = tag(Layout::default());
    // The upper left corner stays; the box swings down and to the right of it, then to the left.
    let turned = report(&tag, "width=12,height=8,anchor=bottom_left,rotation_deg=90");
    assert_box(&turned, [-4.0, 6.0, 12.0, 8.0]);
    let whole = report(&tag, "width=12,height=8,anchor=top,x=3,rotation_deg=360");
    let none = report(&tag, "width=12,height=8,anchor=top,x=3");
    assert_box(&whole, [none.box_mm.x, none.box_mm.y, 12.0, 8.0]);
}

#[test]
fn d50_fits_fill_their_box() {
    let tag = tag(Layout::default());
    let fit = |fit: &str| report(&tag, &format!("width=30,height=30,fit={fit}"));
    assert_box(&fit("contain"), [0.0, 0.0, 30.0, 20.0]);
    assert_box(&fit("cover"), [0.0, 0.0, 30.0, 30.0]);
    assert_box(&fit("stretch"), [0.0, 0.0, 30.0, 30.0]);
    // 600 x 400 pixels of 1/300 inch.
    assert_box(&report(&tag, "width=60,height=60,fit=none"), [0.0, 0.0, 50.8, 33.87]);
    assert_box(&report(&tag, "preset=actual_size"), [0.0, 0.0, 50.8, 33.87]);
    assert_box(&report(&tag, "width=20,height=60,fit=none"), [0.0, 0.0, 50.8, 33.87]);
    // A width alone keeps the proportions.
    assert_box(&report(&tag, "width=30"), [0.0, 0.0, 30.0, 20.0]);
    assert_box(&report(&tag, "height=30"), [0.0, 0.0, 45.0, 30.0]);
}

#[test]
fn d51_bleed_grows_the_box_where_it_can() {
    let tag = tag(Layout::default());
    let bled = report(&tag, "width=40,height=20,fit=cover,bleed_mm=3");
    assert_box(&bled, [0.0, 0.0, 46.0, 26.0]);
    assert_eq!(warned(&report(&tag, "width=40,height=20,bleed_mm=3")), [WarningCode::BleedIgnored]);
    let whole = report(&tag, "preset=full_area");
    assert_box(&whole, [0.0, 0.0, 86.0, 56.0]);
    assert_eq!(whole.clipped_share, 0.0, "a bleed beyond the edge is no cut");
}

#[test]
fn d52_what_lies_outside_is_told_or_refused() {
    let tag = tag(Layout::default());
    let half = report(&tag, "x=40,width=30,height=20");
    assert_near(half.clipped_share, 0.5, 0.01);
    assert_eq!(warned(&half), [WarningCode::PlacementClipped]);
    let refusal = |place: &str| {
        let (design, area) = (design(&letter()), area(&tag, "Card"));
        resolve(&design, &area, &request(place)).expect_err("refused").code
    };
    assert_eq!(refusal("x=40,width=30,height=20,strict"), DesignCode::PlacementClipped);
    assert_eq!(refusal("x=60,width=30,height=20"), DesignCode::PlacementOutsideArea);
    let inside = report(&tag, "width=80,height=50,fit=stretch,strict");
    assert_eq!(inside.clipped_share, 0.0, "as large as the area is not outside it");
}

#[test]
fn d53_texture_coordinates_as_unit() {
    for turns in 0..4 {
        let tag = tag(Layout { turns, ..Layout::default() });
        let found = report(&tag, "unit=uv,x=0.5,y=0.5,width=0.25,height=0.25,fit=stretch");
        assert_box(&found, [0.0, 0.0, 20.0, 12.5]);
        let quarter = report(&tag, "unit=uv,x=0.25,y=0.5,width=0.25,height=0.25,fit=stretch");
        let expected = [[-20.0, 0.0], [0.0, 12.5], [20.0, 0.0], [0.0, -12.5]];
        let distances = expected.map(|[x, y]| (quarter.box_mm.x - x).hypot(quarter.box_mm.y - y));
        assert!(distances.iter().any(|distance| *distance < 0.1), "{turns}: {:?}", quarter.box_mm);
    }
}

#[test]
fn d62_resolution_is_told() {
    let logo = design(&plain(300, 300, [0, 0, 0, 255]));
    let mug = mug();
    let large = placed(&mug, &logo, "width=90,height=90").report;
    assert_eq!(large.effective_dpi, Some(85.0));
    let wide = placed(&mug, &logo, "width=100,height=100").report;
    assert_eq!(wide.effective_dpi, Some(76.0));
    assert!(warned(&wide).contains(&WarningCode::LowResolution), "{:?}", wide.warnings);
    let fine = placed(&mug, &logo, "width=20,texture_px=512").report;
    assert_eq!(warned(&fine), [WarningCode::TextureTooCoarse]);
    assert_near(fine.texels_per_mm, 512.0 / 251.3, 0.01);
}

#[test]
fn d65_presets_lie_where_the_contract_says() {
    let (tag, mug) = (tag(Layout::default()), mug());
    let cases = [
        ("centered", [0.0, 0.0, 45.0, 30.0], [0.0, 0.0, 85.5, 57.0]),
        ("full_area", [0.0, 0.0, 86.0, 56.0], [0.0, 0.0, 257.33, 101.0]),
        ("upper_left", [-20.0, 12.5, 20.0, 13.33], [-62.83, 23.75, 62.83, 41.89]),
        ("upper_right", [20.0, 12.5, 20.0, 13.33], [62.83, 23.75, 62.83, 41.89]),
        ("lower_center", [0.0, -15.0, 32.0, 21.33], [0.0, -28.5, 100.53, 67.02]),
        ("actual_size", [0.0, 0.0, 50.8, 33.87], [0.0, 0.0, 50.8, 33.87]),
    ];
    for (preset, on_tag, on_mug) in cases {
        assert_box(&report(&tag, &format!("preset={preset}")), on_tag);
        assert_box(&report(&mug, &format!("preset={preset}")), on_mug);
    }
    assert_box(&report(&mug, "preset=wrap"), [0.0, 0.0, 251.33, 95.0]);
    let refused = resolve(&design(&letter()), &area(&tag, "Card"), &request("preset=wrap"));
    assert_eq!(refused.expect_err("it is flat").code, DesignCode::AreaDoesNotWrap);
    // A member of the placement wins.
    assert_box(&report(&tag, "preset=upper_left,x=5mm"), [5.0, 12.5, 20.0, 13.33]);
    assert_eq!(Preset::ENTRIES.len(), cases.len() + 1);
}

#[test]
fn the_margin_is_kept_where_no_size_is_given() {
    let tag = tag(Layout::default());
    let wanted = AreaRequest { safe_mm: 5.0, ..AreaRequest::new(Selector::Part("Label".to_owned())) };
    let area = find(&tag, &wanted).expect("it is there");
    let of_actual =
        DesignRequest { preset: Some(Preset::FullArea), ..request("fit=stretch,preset=full_area,bleed_mm=0") };
    let found = resolve(&design(&letter()), &area, &of_actual).expect("a place").report;
    assert_box(&found, [0.0, 0.0, 70.0, 40.0]);
}

#[test]
fn a_spot_is_where_x_and_y_count_from() {
    let mug = mug();
    // A quarter of the way around, to the right.
    assert_box(&report(&mug, "at=right,width=30,height=20,fit=stretch"), [62.83, 0.0, 30.0, 20.0]);
    assert_box(&report(&mug, "at=-x,width=30,height=20,fit=stretch,y=5"), [-62.83, 5.0, 30.0, 20.0]);
    // A point above the front.
    assert_box(&report(&mug, "at=0/60/50mm,width=30,height=20,fit=stretch"), [0.0, 12.5, 30.0, 20.0]);
    let top = resolve(&design(&letter()), &area(&mug, "Print"), &request("at=top,width=30"));
    assert_eq!(top.expect_err("no surface faces up").code, DesignCode::AreaNotMappable);
}
