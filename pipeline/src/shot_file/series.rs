//! Several pictures of one product: views, and the frames of a turntable.

use packshot_json::{FaultKind, Node, Range};
use packshot_renderer::shot::turntable::Turntable;
use packshot_renderer::shot::view::{NamedView, ViewDirection};
use serde_json::{Value, json};

use super::light::NamedEnvironment;
use super::read::{Reading, Unopened, members};
use super::{Version, camera};
use crate::plan::table::{FPS_MAX, FRAMES_MAX, FRAMES_MIN};

/// Largest angle of a turn in either direction.
const TURN_DEG: Range = Range::between(-1e6, 1e6);

/// A view whose files are not opened yet.
#[derive(Clone, Debug)]
pub(super) struct UnopenedView {
    pub(super) view: NamedView,
    pub(super) shot: Unopened,
}

/// The views of a shot: a view inherits what it does not set.
pub(super) fn read_views(
    node: &Node<'_>,
    reading: &Reading<'_>,
    common: Option<&Unopened>,
) -> Option<Vec<UnopenedView>> {
    let nodes = node.list()?;
    if nodes.is_empty() {
        return node.refuse(FaultKind::Range, "expected at least one view");
    }
    let read: Vec<_> = nodes.iter().map(|node| read_view(node, reading, common)).collect();
    let views = read.into_iter().collect::<Option<Vec<UnopenedView>>>()?;
    for (i, view) in views.iter().enumerate() {
        if views[..i].iter().any(|known| known.view.name == view.view.name) {
            return nodes[i].refuse(FaultKind::Duplicate, format!("the view `{}` is listed twice", view.view.name));
        }
    }
    Some(views)
}

fn read_view(node: &Node<'_>, reading: &Reading<'_>, common: Option<&Unopened>) -> Option<UnopenedView> {
    let mut m = members(node)?;
    let named = m.require("view").and_then(|node| {
        let name = node.string()?;
        NamedView::by_name(name).or_else(|| {
            let names: Vec<&str> = NamedView::all().map(|view| view.name).collect();
            node.refuse(FaultKind::Word, format!("expected one of {}", names.join(", ")))
        })
    });
    let azimuth_deg = m.read_or("azimuth_deg", None, |node| node.number(TURN_DEG).map(Some));
    let elevation_deg = m.read_or("elevation_deg", None, |node| node.number(Range::between(-90.0, 90.0)).map(Some));
    let camera = m.require("camera").and_then(|node| camera::read(&node, Version::Two));
    let film = m.read_or("film", None, |node| reading.film(&node).map(Some));
    let environment =
        m.read_or("environment", None, |node| super::light::read_environment(&node, Version::Two).map(Some));
    let lights = m.read_or("lights", None, |node| reading.lights(&node).map(Some));
    let floor = m.read_or("floor", None, |node| reading.floor(&node).map(Some));
    m.finish();
    let (named, common) = (named?, common?);
    let direction = ViewDirection {
        azimuth_deg: azimuth_deg?.unwrap_or(named.direction.azimuth_deg),
        elevation_deg: elevation_deg?.unwrap_or(named.direction.elevation_deg),
    };
    let shot = Unopened {
        camera: camera?,
        film: film?.unwrap_or(common.film),
        environment: environment?.unwrap_or_else(|| NamedEnvironment::clone(&common.environment)),
        lights: lights?.unwrap_or_else(|| common.lights.clone()),
        floor: floor?.unwrap_or_else(|| common.floor.clone()),
    };
    Some(UnopenedView { view: NamedView { direction, ..named }, shot })
}

/// How a product turns, around which point, and the frame rate of its movie.
pub(super) fn read_turntable(node: &Node<'_>) -> Option<(Turntable, [f64; 3], u16)> {
    let mut m = members(node)?;
    let frames = m.require("frames").and_then(|node| node.count(FRAMES_MIN..=FRAMES_MAX));
    let center_m = m.require("center_m").and_then(|node| node.numbers(Range::ANY));
    let default = Turntable::default();
    let start_deg = m.read_or("start_deg", default.start_deg, |node| node.number(TURN_DEG));
    let direction = m.read_or("direction", default.direction, |node| node.word());
    let mode = m.read_or("mode", default.mode, |node| node.word());
    let fps = m.read_or("fps", 24, |node| node.count(1..=FPS_MAX));
    m.finish();
    let turntable = Turntable { frames: frames?, start_deg: start_deg?, direction: direction?, mode: mode? };
    Some((turntable, center_m?, u16::try_from(fps?).ok()?))
}

pub(super) fn write_turntable(turntable: &Turntable, center_m: [f64; 3], fps: u16) -> Value {
    json!({
        "frames": turntable.frames,
        "start_deg": turntable.start_deg,
        "direction": turntable.direction,
        "mode": turntable.mode,
        "center_m": center_m,
        "fps": fps,
    })
}
