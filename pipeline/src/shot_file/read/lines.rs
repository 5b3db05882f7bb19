//! Lines over the pictures of a shot.

use packshot_json::{FaultKind, Node, Range};
use packshot_renderer::layers::lines::{LineKind, LineStyle, WIDTHS_PX};

use super::{ShotLines, members, nullable};
use crate::shot_file::angle::radians_single;

const KINDS: [(&str, LineKind); 2] = [("edges", LineKind::Edges), ("wireframe", LineKind::Wireframe)];

pub(super) fn read(node: &Node<'_>) -> Option<ShotLines> {
    let mut m = members(node)?;
    let kinds = m.require("kinds").and_then(|node| {
        let read: Vec<_> = node.list()?.iter().map(|node| node.choice(&KINDS)).collect();
        let kinds = read.into_iter().collect::<Option<Vec<_>>>()?;
        let is_twice = (1..kinds.len()).any(|i| kinds[..i].contains(&kinds[i]));
        if is_twice { node.refuse(FaultKind::Duplicate, "a kind of lines is listed twice") } else { Some(kinds) }
    });
    let widths_px = Range::between(f64::from(*WIDTHS_PX.start()), f64::from(*WIDTHS_PX.end()));
    let width_px = m.read_or("width_px", None, |node| nullable(&node, |node| node.single(widths_px)));
    let crease_rad = m.read_or("crease_deg", LineStyle::CREASE_RAD, |node| {
        node.number(Range::between(1.0, 180.0)).map(radians_single)
    });
    let color_srgb = m.read_or("color_srgb", [0.0; 3], |node| node.singles(Range::UNIT));
    let is_drawing = m.read_or("only", false, |node| node.flag());
    if is_drawing == Some(true) && kinds.as_ref().is_some_and(Vec::is_empty) {
        m.report("only", FaultKind::Conflict, "a drawing needs at least one kind of lines");
    }
    m.finish();
    Some(ShotLines {
        kinds: kinds?,
        width_px: width_px?,
        crease_rad: crease_rad?,
        color_srgb: color_srgb?,
        is_drawing: is_drawing?,
    })
}
