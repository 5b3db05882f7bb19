//! Lines over pictures and in their place.

use crate::picture::pixels;
use crate::workplace::Workplace;

/// Pixels that are black and opaque.
fn black(pixels: &[[u8; 4]]) -> usize {
    pixels.iter().filter(|pixel| **pixel == [0, 0, 0, 255]).count()
}

#[test]
fn edges_are_drawn_over_the_picture_and_alone() {
    let workplace = Workplace::new();
    let picture = |name: &str, more: &[&str]| {
        let options = ["boxes.glb", "--clay", "--background", "white", "-o", name];
        workplace.render(&[&options[..], more].concat());
        pixels(&workplace.read(name))
    };
    let wide = ["--line-width-px", "3"];
    let plain = picture("plain.png", &[]);
    let over = picture("over.png", &[&wide[..], &["--edges"]].concat());
    let alone = picture("alone.png", &[&wide[..], &["--edges", "--lines-only"]].concat());
    assert_eq!(black(&plain), 0);
    assert!(black(&over) > 40 && black(&over) == black(&alone), "{} and {}", black(&over), black(&alone));
    // What no line touches is the picture, or white.
    let untouched: Vec<usize> = (0..alone.len()).filter(|&i| alone[i] == [255; 4]).collect();
    let is_close = |i: usize| over[i].iter().zip(&plain[i]).all(|(a, b)| a.abs_diff(*b) <= 1);
    assert!(untouched.len() > 60, "{} pixels are without lines", untouched.len());
    assert!(untouched.iter().all(|&i| is_close(i)), "lines change what they do not touch");
    assert!(alone.iter().all(|[r, g, b, a]| r == g && g == b && *a == 255), "lines are black on white");
    let red = picture("red.png", &[&wide[..], &["--edges", "--lines-only", "--line-color", "#FF0000"]].concat());
    assert!(alone.iter().zip(&red).all(|(black, red)| *red == [255, black[1], black[2], 255]), "red instead of black");
    // A box of two triangles a side has more lines than one of sides.
    let wireframe = picture("wireframe.png", &[&wide[..], &["--wireframe", "--lines-only"]].concat());
    assert!(black(&wireframe) > black(&alone) + 10, "{} and {}", black(&wireframe), black(&alone));
    // Faces of 90° have no edge where one needs 91°, and boxes keep their outlines.
    let outline = picture("outline.png", &[&wide[..], &["--edges", "--lines-only", "--crease-deg", "91"]].concat());
    assert!(black(&outline) > 10 && black(&outline) + 10 < black(&alone), "{} and {}", black(&outline), black(&alone));
}

#[test]
fn drawings_without_a_background_have_alpha() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "--edges", "--lines-only", "-o", "out.png"]);
    let pixels = pixels(&workplace.read("out.png"));
    assert!(pixels.iter().all(|[r, g, b, _]| [r, g, b] == [&0; 3]));
    assert!(pixels.iter().any(|pixel| pixel[3] == 0) && pixels.iter().any(|pixel| pixel[3] > 200));
}

#[test]
fn an_exr_has_lines_as_layers() {
    let workplace = Workplace::new();
    workplace.render(&["boxes.glb", "-o", "lines.exr", "--aov", "edges,wireframe", "--line-width-px", "2"]);
    let bytes = workplace.read("lines.exr");
    for channel in ["edges.Y\0", "wireframe.Y\0"] {
        assert!(bytes.windows(channel.len()).any(|window| window == channel.as_bytes()), "{channel}");
    }
}

#[test]
fn what_lines_cannot_be_is_refused() {
    let workplace = Workplace::new();
    for (options, code, at) in [
        ("--edges -o out.exr", "usage.conflict", "--edges"),
        ("--wireframe -o out.tiff --bit-depth 32", "usage.conflict", "--wireframe"),
        ("--edges --lines-only --background environment -o out.png", "usage.conflict", "--lines-only"),
        ("--lines-only -o out.png", "usage.missing", "--lines-only"),
        ("--line-color #000000 -o out.png", "usage.missing", "--line-color"),
        ("--crease-deg 40 --wireframe -o out.png", "usage.missing", "--crease-deg"),
        ("--edges --line-color white -o out.png", "usage.invalid_value", "--line-color"),
        ("--edges --line-width-px 0.1 -o out.png", "usage.invalid_value", "--line-width-px"),
    ] {
        let args: Vec<&str> = ["render", "boxes.glb"].into_iter().chain(options.split(' ')).collect();
        workplace.run(&args).expect_error(2, code, at);
        assert_eq!(workplace.files(), ["boxes.glb"], "{options}");
    }
}
