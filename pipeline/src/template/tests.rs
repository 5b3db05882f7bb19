use packshot_materials::library::Library;
use proptest::prelude::*;

use super::*;

const HEAD: &str =
    "schema = \"shot-template/1\"\n[template]\nid = \"mine\"\nname = \"Mine\"\ndescription = \"A test.\"\n";

/// The code and the line of every fault in a template with this body; its sixth line is the first of `body`.
fn faults(body: &str) -> Vec<(String, String)> {
    match Template::parse("mine.toml", format!("{HEAD}{body}").as_bytes()) {
        Ok(_) => Vec::new(),
        Err(error) => {
            assert!(error.faults.iter().all(|fault| !fault.message.is_empty()));
            error.faults.into_iter().map(|fault| (fault.code, fault.at)).collect()
        }
    }
}

#[test]
fn builtin_templates_are_sound_and_their_materials_are_there() {
    for (id, text) in BUILTIN {
        let (template, findings) = Template::parse(id, text.as_bytes()).expect("sound");
        assert_eq!((template.id.as_str(), findings), (id, Vec::new()));
        assert!(template.description.len() > 20 && template.background.is_some(), "{id}");
        Overrides::new(&template.overrides, Library::builtin(), Vec::new()).expect("known materials");
        let mut request = ShotRequest::default();
        template.apply(&mut request);
        assert_ne!(format!("{:?}", request.view), "", "{id}");
        assert_eq!(request.film.width_px, template.film.width_px.expect("a size"), "{id}");
    }
}

#[test]
fn every_fault_has_its_code_and_its_line() {
    for (body, code, line) in [
        ("[camera]\nlens = 85", "template.unknown_field", 7),
        ("[camera]\nlens_mm = \"85\"", "template.type", 7),
        ("[camera]\nlens_mm = 0.5", "template.range", 7),
        ("[camera]\nlens_mm = nan", "template.range", 7),
        ("[camera]\northo = true\nlens_mm = 85", "template.conflict", 6),
        ("[camera]\nview = \"front\"\nazimuth_deg = 3", "template.conflict", 6),
        ("[camera]\nview = \"sideways\"", "template.range", 7),
        ("[camera]\nfill = 0.5\nmargin_px = 10", "template.conflict", 6),
        ("[camera]\ntrim = true", "template.conflict", 6),
        ("[camera]\nfocus = \"Ring\"", "template.conflict", 6),
        ("[camera]\northo = true\nf_number = 8", "template.conflict", 6),
        ("[light]\nrig = \"studio_soft\"\nmap = \"a.hdr\"", "template.conflict", 6),
        ("[light]\nmap = \"a.png\"", "template.range", 7),
        ("[light]\nexposure_ev = 1.0", "template.conflict", 7),
        ("[[light.panel]]\nazimuth_deg = 0\nelevation_deg = 0\nsize_deg = [10, 10]", "template.conflict", 6),
        ("[[light.panel]]\nev = 1\nelevation_deg = 0\nsize_deg = [10, 10]", "template.missing", 6),
        ("[[light.panel]]\nazimuth_deg = 0\nelevation_deg = 0\nsize_deg = [10]\nev = 0", "template.type", 9),
        (
            "[[light.panel]]\nazimuth_deg = 0\nelevation_deg = 0\nsize_deg = [10, 9]\nflag = 1\ntemperature_k = 3000",
            "template.conflict",
            6,
        ),
        ("[backdrop]\nbackground = \"blue\"", "template.range", 7),
        ("[backdrop]\nbackground = \"white\"\nground = \"wall\"", "template.range", 8),
        ("[backdrop]\nbackground = \"white\"\nground_roughness = 0.2", "template.conflict", 8),
        ("[backdrop]\nbackground = \"white\"\nground = \"shadow\"\nground_roughness = 0.2", "template.conflict", 9),
        ("[backdrop]\nbackground = \"white\"\nground = \"floor\"\nground_roughness = 2", "template.range", 9),
        ("[backdrop]\nbackground = \"white\"\nground = \"floor\"\nground_color = \"transparent\"", "template.range", 9),
        ("[film]\ndenoise = \"maybe\"", "template.range", 7),
        ("[film]\ndenoise_with = \"optix\"", "template.range", 7),
        ("[film]\ndenoise_with = \"oidn\"\noidn_quality = \"best\"", "template.range", 8),
        ("[film]\ndenoise = \"off\"\ndenoise_with = \"oidn\"", "template.conflict", 8),
        ("[film]\noidn_quality = \"fast\"", "template.conflict", 7),
        ("[film]\nwidth = 0", "template.range", 7),
        ("[film]\nwidth = 16000\nheight = 16000", "template.range", 6),
        ("[view]\ntransform = \"filmic\"", "template.range", 7),
        ("[[override]]\nput_on = \"Steel\"", "template.missing", 6),
        ("[[override]]\npart = \"[\"\nput_on = \"Steel\"", "template.range", 7),
        ("[[output]]\nextension = \"bmp\"", "template.range", 6),
        ("[[output]]\nextension = \"jpg\"\nbit_depth = 16", "template.conflict", 6),
        ("[[output]]\nextension = \"png\"\nquality = 50", "template.conflict", 6),
        ("[[output]]\nextension = \"png\"\nsuffix = \"../x\"", "template.range", 8),
        ("[[output]]\nextension = \"png\"\n[[output]]\nextension = \"png\"", "template.conflict", 8),
        ("[camera\n", "template.syntax", 6),
    ] {
        assert_eq!(faults(body), [(code.to_owned(), format!("mine.toml:{line}"))], "{body}");
    }
    let error = Template::parse("mine.toml", format!("{HEAD}[camera]\nlens_m = 85").as_bytes()).expect_err("misspelt");
    assert_eq!(error.faults[0].help, "did you mean `lens_mm`?");
    assert_eq!(Template::parse("m", b"\xff").expect_err("no UTF-8").code(), "template.syntax");
    assert_eq!(Template::parse("m", &vec![b' '; FILE_BYTES_MAX + 1]).expect_err("too long").code(), "template.limit");
    assert_eq!(Template::parse("m", b"schema = \"shot-template/2\"").expect_err("another").code(), "template.schema");
    let panels =
        "[[light.panel]]\nev = 0\nazimuth_deg = 0\nelevation_deg = 0\nsize_deg = [1, 1]\n".repeat(PANELS_MAX + 1);
    assert_eq!(faults(&panels)[0].0, "template.limit");
}

#[test]
fn what_a_template_says_takes_the_place_of_what_is_there_and_nothing_else_does() {
    let body = "[camera]\nelevation_deg = 12.3\nmargin_px = 7\nf_number = 8\nfocus = \"Ring\"\n[light]\nrig = \"white\"\n\
                exposure_ev = 1\nrotation_deg = 20\n[film]\nseed = 9\n[view]\nexposure_ev = -0.5\n";
    let (template, _) = Template::parse("mine.toml", format!("{HEAD}{body}").as_bytes()).expect("sound");
    let (default, mut request) = (ShotRequest::default(), ShotRequest::default());
    template.apply(&mut request);
    let Framing::Auto { direction, lens, fit, .. } = request.framing else { panic!("framed by itself") };
    assert_eq!((direction.azimuth_deg, direction.elevation_deg), (35.0, 12.3));
    assert_eq!((lens, fit), (Lens::Perspective { focal_mm: 85.0 }, Fit::MarginPx(7)));
    assert_eq!(request.depth_of_field.expect("shallow").f_number, 8.0);
    assert_eq!((request.film.seed, request.film.samples), (9, default.film.samples));
    assert_eq!((request.view.transform, request.view.exposure_ev), (default.view.transform, -0.5));
    assert_eq!((request.background, request.light_rotation_deg), (default.background, 20.0));
    let Some(LightChoice::Painted(map)) = template.light_choice() else { panic!("brightened") };
    assert!(map.rgb.iter().flatten().all(|channel| (channel - 2.0).abs() < 1e-5), "one stop above white");
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC*", keys in proptest::collection::vec(0..HOSTILE.len(), 0..12)) {
        let body: String = keys.iter().map(|&i| HOSTILE[i]).collect();
        for text in [text.clone(), format!("{HEAD}{body}"), format!("{HEAD}{body}{text}")] {
            if let Ok((template, _)) = Template::parse("x.toml", text.as_bytes()) {
                template.apply(&mut ShotRequest::default());
            }
        }
    }
}

/// Valid, invalid and extreme pieces, to be combined at random.
const HOSTILE: [&str; 18] = [
    "[camera]\n",
    "[light]\n",
    "[[light.panel]]\n",
    "[[output]]\n",
    "[[override]]\n",
    "[film]\n",
    "view = \"front\"\n",
    "azimuth_deg = 1e308\n",
    "azimuth_deg = -9223372036854775808\n",
    "lens_mm = inf\n",
    "size_deg = [[[[[[[[1]]]]]]]]\n",
    "size_deg = [170, 170]\nazimuth_deg = 0\nelevation_deg = 90\nev = 16\n",
    "temperature_k = 1667\n",
    "width = 0xffffffff\n",
    "part = \"{{{{{{{{{{{{a,b}\"\nput_on = \"\"\n",
    "extension = \"png\"\nsuffix = \"\\u0000\"\n",
    "camera.x.y.z = {a = {b = {c = [{}]}}}\n",
    "focus = \"\"\nf_number = 1e-320\n",
];
