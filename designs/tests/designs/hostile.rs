//! SVGs of attackers: refused before anything is built from them.

use std::time::{Duration, Instant};

use packshot_designs::design::{DesignLimits, check};
use packshot_designs::{DesignCode, DesignError};

fn svg(body: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64">
<rect width="9" height="9"/>{body}</svg>"#
    )
}

/// Groups of ten references to the group before: 10^`levels` rectangles.
fn references(levels: u32, reference: &str) -> String {
    let mut body = r#"<g id="r0"><rect width="1" height="1"/></g>"#.to_owned();
    for level in 1..=levels {
        let inner = reference.replace('#', &format!("#r{}", level - 1)).repeat(10);
        body.push_str(&format!(r#"<g id="r{level}">{inner}</g>"#));
    }
    body
}

fn nested_patterns(levels: u32) -> String {
    let mut body = String::new();
    for level in 0..levels {
        let fill = if level == 0 { "red".to_owned() } else { format!("url(#p{})", level - 1) };
        let shapes = format!(r#"<rect width="8" height="8" fill="{fill}"/>"#).repeat(10);
        body.push_str(&format!(
            r#"<pattern id="p{level}" width="8" height="8" patternUnits="userSpaceOnUse">{shapes}</pattern>"#
        ));
    }
    format!("<defs>{body}</defs><rect width='64' height='64' fill='url(#p{})'/>", levels - 1)
}

fn refused(text: &str) -> DesignError {
    let begun = Instant::now();
    let error = check(text.as_bytes(), &DesignLimits::default()).expect_err("refused");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}: {}", error.message);
    assert_eq!(error.code, DesignCode::SvgRefused, "{error:?}");
    error
}

#[test]
fn d61_hostile_drawings_are_refused() {
    let doctype = r#"<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>&d;</desc></svg>"#;
    let external = r#"<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>&x;</desc></svg>"#;
    let bodies = [
        ("<script>alert(1)</script>", "script"),
        (r#"<rect onload="alert(1)" width="1" height="1"/>"#, "onload"),
        (r#"<image xlink:href="file:///etc/passwd" width="9" height="9"/>"#, "image"),
        (r#"<image href="http://203.0.113.1/a.png" width="9" height="9"/>"#, "image"),
        (r#"<image href="/etc/passwd" width="9" height="9"/>"#, "image"),
        (r#"<use href="other.svg#a"/>"#, "use"),
        ("<text>Logo</text>", "text"),
        ("<foreignObject/>", "foreignObject"),
        (r#"<rect width="1" height="1"><animate attributeName="x"/></rect>"#, "animate"),
        (r#"<style>@import url("http://203.0.113.1/a.css");</style>"#, "style"),
        (r#"<style>rect { fill: url(http://203.0.113.1/a.svg#b) }</style>"#, "style"),
        (r#"<style>rect { fill: u\72l(http://203.0.113.1/a.svg#b) }</style>"#, "style"),
        (r#"<rect width="1" height="1" fill="url(&#104;ttp://203.0.113.1/#a)"/>"#, "rect"),
        (r#"<rect width="1" height="1" style="fill: URL( 'http://203.0.113.1/#a')"/>"#, "rect"),
        (r##"<g id="a"><use href="#a"/></g>"##, "itself"),
        (r#"<g xml:base="http://203.0.113.1/"/>"#, "xml:base"),
    ];
    for (body, names) in bodies {
        let error = refused(&svg(body));
        assert!(error.message.contains(names), "{body}: {error:?}");
        assert!(error.at.starts_with("line "), "{body}: {error:?}");
    }
    assert!(refused(doctype).message.contains("DOCTYPE"));
    assert!(refused(external).message.contains("DOCTYPE"));
    let nested = |n: usize| format!("{}{}", "<g>".repeat(n), "</g>".repeat(n));
    for n in [100, 10_000, 200_000] {
        refused(&svg(&nested(n)));
    }
    check(svg(&nested(90)).as_bytes(), &DesignLimits::default()).expect("deep, and within the limits");
    refused(&svg(&references(9, r##"<use href="#"/>"##)));
    refused(&svg(&references(9, r##"<use xlink:href="#" clip-path="none"/>"##)));
    refused(&svg(&references(9, r##"<rect width="1" height="1" mask="url(#)"/>"##)));
    refused(&svg(&nested_patterns(9)));
    refused(&svg(&"<rect width='1' height='1'/>".repeat(100_001)));
    let filters = r##"<filter id="f"><feTurbulence/><feGaussianBlur stdDeviation="9"/></filter>"##;
    refused(&svg(&format!("{filters}{}", r##"<rect width="9" height="9" filter="url(#f)"/>"##.repeat(60))));
    let layers = r#"<g opacity="0.9"><rect width="9" height="9"/>"#;
    refused(&svg(&format!("{}{}", layers.repeat(40), "</g>".repeat(40))));
    refused(r#"<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>"#);
    refused(r#"<?xml-stylesheet href="a.css"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>"#);
    refused(r#"<svg width="9" height="9"/>"#);
}

/// What takes long to draw is known before it is drawn.
#[test]
fn d61_work_is_bounded() {
    let shapes = r#"<rect width="64" height="64" opacity="0.01"/>"#.repeat(100);
    let layers = format!(r##"<g id="a">{shapes}</g>{}"##, r##"<use href="#a"/>"##.repeat(99));
    let groups = r#"<g opacity="0.5"><rect width="64" height="64"/><rect width="9" height="9"/></g>"#.repeat(3_000);
    let corner = |i: u64| format!("L{} {}", i * 7_919 % 64, i * 104_729 % 64);
    let path = format!("<path d='M0 0{}'/>", (0..200_000).map(corner).collect::<String>());
    let dashes = r#"<path d="M0 0H64V64H0Z" fill="none" stroke="red" stroke-dasharray="0.0001 0.0001"/>"#.repeat(100);
    let filter = |primitive: &str| {
        format!(r##"<filter id="f">{primitive}</filter><rect width="64" height="64" filter="url(#f)"/>"##)
    };
    let octaves = filter(r#"<feTurbulence baseFrequency="0.05" numOctaves="31"/>"#);
    let radius = filter(r#"<feMorphology operator="dilate" radius="8"/>"#);
    for body in [layers, groups, path, dashes, octaves, radius] {
        let error = refused(&svg(&body));
        assert!(error.message.contains("takes as long"), "{error:?}");
    }
    let glow = filter(r#"<feGaussianBlur stdDeviation="2"/>"#);
    let map =
        r#"<path d="M1 1L2 1.2L2.4 2L1.2 2.4Z" stroke="red" stroke-width="0.1" stroke-dasharray="1 1"/>"#.repeat(5_000);
    for body in [glow, map] {
        check(svg(&body).as_bytes(), &DesignLimits::default()).expect("a drawing like others");
    }
}

#[test]
fn a_drawing_without_anything_is_empty() {
    let nothing = r#"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="9" height="9" fill="none"/></svg>"#;
    let error = check(nothing.as_bytes(), &DesignLimits::default()).expect_err("nothing to see");
    assert_eq!(error.code, DesignCode::Empty);
}
