//! Areas: found by name, measured, listed.

use glam::{DAffine3, DQuat, DVec3};
use packshot_designs::area::{AxisWord, MappingWord, detect, find, only};
use packshot_designs::{AreaRequest, DesignCode, Selector};
use packshot_renderer::scene::{Part, Scene};

use crate::fixtures::{Layout, area, assert_near, mug, tag};

fn found(scene: &Scene, selector: Selector) -> Result<packshot_designs::Area, packshot_designs::DesignError> {
    find(scene, &AreaRequest::new(selector))
}

fn material(name: &str) -> Selector {
    Selector::Material(name.to_owned())
}

fn part(name: &str) -> Selector {
    Selector::Part(name.to_owned())
}

#[test]
fn d40_an_area_by_material() {
    let mug = mug();
    assert_eq!(found(&mug, material("print")).expect("normalised").surfaces.len(), 1);
    let error = found(&mug, material("Prnt")).expect_err("nothing is guessed");
    assert_eq!(error.code, DesignCode::AreaNotFound);
    assert!(error.help.contains("`Print`"), "{}", error.help);
}

/// Two tags of the same name in two groups.
fn two_labels() -> Scene {
    let mut scene = tag(Layout::default());
    let other = Part {
        node_idx: 1,
        path: "Back/Label".to_owned(),
        world_from_part: DAffine3::from_translation(DVec3::X),
        ..scene.parts[0].clone()
    };
    scene.parts.push(other);
    scene
}

#[test]
fn d41_an_area_by_part() {
    let mut scene = tag(Layout::default());
    assert_eq!(found(&scene, part("Label")).expect("by node").name, "Label");
    scene.parts[0].node_name = Some("Node".to_owned());
    scene.parts[0].mesh_name = Some("Label".to_owned());
    assert_eq!(found(&scene, part("Label")).expect("by mesh").surfaces.len(), 1);

    let scene = two_labels();
    let error = found(&scene, part("Label")).expect_err("two have it");
    assert_eq!(error.code, DesignCode::AreaAmbiguous);
    assert!(error.help.contains("`Tag/Label`") && error.help.contains("`Back/Label`"), "{}", error.help);
    let one = found(&scene, part("Back/Label")).expect("a path is of one");
    assert_eq!(one.surfaces.iter().map(|(part, _)| part.0).collect::<Vec<_>>(), [1]);
}

#[test]
fn d42_the_only_area_is_taken() {
    assert_eq!(only(&mug()).expect("the wall alone").name, "Print");
    let error = only(&two_labels()).expect_err("two");
    assert_eq!(error.code, DesignCode::AreaRequired);
    let (n, named) = (detect(&two_labels()).len(), error.help.matches('`').count() / 2);
    assert!(error.message.contains(&format!(" {n} surfaces ")) && named == n, "{}: {}", error.message, error.help);
}

#[test]
fn d43_detection_measures_what_it_lists() {
    let listed = detect(&mug());
    let [(selector, wall)] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((selector, wall.mapping, wall.wraps), (&material("Print"), MappingWord::Cylindrical, true));
    assert_near(wall.size_mm[0], 251.3, 0.1);
    assert_near(wall.size_mm[1], 95.0, 0.1);
    assert_near(wall.distortion, 1.0, 0.01);

    let listed = detect(&tag(Layout::default()));
    let (_, plate) = &listed[0];
    assert_eq!((plate.mapping, plate.wraps), (MappingWord::Uv, false));
    assert_near(plate.size_mm[0], 80.0, 0.1);
    assert_near(plate.size_mm[1], 50.0, 0.1);
}

#[test]
fn larger_areas_are_listed_first() {
    let mut scene = two_labels();
    scene.parts[1].world_from_part = DAffine3::from_scale(DVec3::splat(3.0));
    let names: Vec<Selector> = detect(&scene).into_iter().map(|(selector, _)| selector).collect();
    assert_eq!(names, [material("Card"), part("Back/Label"), part("Tag/Label")]);
}

#[test]
fn a_cylinder_is_found_however_it_lies_and_wherever_it_is_open() {
    let turned = DAffine3::from_rotation_translation(DQuat::from_rotation_z(1.1), DVec3::new(3.0, -2.0, 5.0));
    for world_from_part in [DAffine3::IDENTITY, turned, DAffine3::from_rotation_x(std::f64::consts::FRAC_PI_2)] {
        let mut scene = mug();
        scene.parts[0].world_from_part = world_from_part;
        let wall = area(&scene, "Print");
        assert_eq!((wall.mapping, wall.wraps), (MappingWord::Cylindrical, true), "{world_from_part:?}");
        let mut sides = wall.size_mm;
        sides.sort_by(f64::total_cmp);
        assert_near(sides[0], 95.0, 0.1);
        assert_near(sides[1], 251.3, 0.1);
    }
    // A third of the wall is missing, at the back.
    let mut open = mug();
    let primitive = &mut open.meshes[0].primitives[0];
    let positions = primitive.positions.clone();
    primitive.triangles.retain(|triangle| positions[triangle[0] as usize].z > -0.02);
    let wall = area(&open, "Print");
    assert_eq!((wall.mapping, wall.wraps), (MappingWord::Cylindrical, false));
    assert_near(wall.size_mm[0], 251.3 * 2.0 / 3.0, 3.0);
}

#[test]
fn plates_whose_corners_lie_on_a_circle_are_no_cylinder() {
    // Two strips that meet at an angle: their six corners lie on one cylinder.
    let mut scene = tag(Layout::default());
    let primitive = &mut scene.meshes[0].primitives[0];
    let at = |x: f32, z: f32| [glam::Vec3::new(x, -0.03, z), glam::Vec3::new(x, 0.03, z)];
    primitive.positions = [at(-0.1, -0.05), at(0.0, 0.0), at(0.1, -0.05)].concat();
    primitive.triangles = vec![[0, 2, 3], [0, 3, 1], [2, 4, 5], [2, 5, 3]];
    primitive.normals.clear();
    primitive.uvs[0].clear();
    assert_eq!(area(&scene, "Card").mapping, MappingWord::Planar);
    let around = AreaRequest { mapping: MappingWord::Cylindrical, ..AreaRequest::new(material("Card")) };
    assert_eq!(find(&scene, &around).expect("who asks for it").mapping, MappingWord::Cylindrical);
}

#[test]
fn a_mapping_that_is_not_possible_is_refused_and_named() {
    let wanted = |mapping| AreaRequest { mapping, ..AreaRequest::new(material("Print")) };
    let error = find(&mug(), &wanted(MappingWord::Uv)).expect_err("there are none");
    assert_eq!(error.code, DesignCode::AreaNotMappable);
    let flat = AreaRequest { mapping: MappingWord::Cylindrical, ..AreaRequest::new(part("Label")) };
    assert_eq!(find(&tag(Layout::default()), &flat).expect_err("it is flat").code, DesignCode::AreaNotMappable);
    let around = AreaRequest { axis: Some(AxisWord::Y), ..wanted(MappingWord::Cylindrical) };
    assert!(find(&mug(), &around).expect("around y").wraps);
}

#[test]
fn shared_texture_coordinates_are_noticed() {
    let mut scene = tag(Layout::default());
    assert_eq!(area(&scene, "Card").overlap, 0.0);
    let twin = scene.parts[0].clone();
    scene.parts.push(Part { path: "Other".to_owned(), ..twin });
    assert_near(area(&scene, "Card").overlap, 1.0, 0.01);
}
