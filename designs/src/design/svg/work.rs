//! How much work a drawing is, known before it is drawn: resvg cannot be stopped in its middle.
//!
//! The unit is one filling of the whole drawing. What is counted follows what resvg does: it fills each path along its
//! edges, gives each transparent group a layer of its own, and computes filters pixel by pixel.

use resvg::tiny_skia::{PathSegment, Point};
use resvg::usvg::filter::{Kind, Primitive};
use resvg::usvg::{Group, Node, Path, Rect, Stroke, Tree};

/// Pixels along a side of the texture that the work is estimated for.
const SIDE_PX: f64 = 4096.0;
/// Fillings that edges as high as the drawing are worth, each.
const OF_EDGE: f64 = 1.0 / 300.0;
/// Fillings of a layer: it is cleared, filled and laid over what is below.
const OF_LAYER: f64 = 4.0;
/// Fillings of a primitive of a filter.
const OF_FILTER: f64 = 20.0;
/// Octaves of turbulence, at most.
const OCTAVES_MAX: u32 = 20;
/// What an element takes, however small it is.
const OF_ELEMENT: f64 = 1e-3;

/// The work of drawing a tree, in fillings of the whole drawing.
pub(super) fn of(tree: &Tree) -> f64 {
    let canvas = Canvas { width: f64::from(tree.size().width()), height: f64::from(tree.size().height()) };
    canvas.group(tree.root())
}

struct Canvas {
    width: f64,
    height: f64,
}

impl Canvas {
    fn group(&self, group: &Group) -> f64 {
        let share = self.share(group.abs_layer_bounding_box().to_rect());
        let layer = if group.should_isolate() { OF_LAYER * share } else { 0.0 };
        let primitives = group.filters().iter().flat_map(|filter| filter.primitives());
        let filters: f64 = primitives.map(|primitive| share * self.primitive(primitive)).sum();
        layer + filters + group.children().iter().map(|node| self.node(node)).sum::<f64>()
    }

    fn node(&self, node: &Node) -> f64 {
        let own = match node {
            Node::Group(group) => self.group(group),
            Node::Path(path) => self.path(path),
            Node::Image(image) => 2.0 * self.share(image.abs_bounding_box()),
            Node::Text(_) => 0.0,
        };
        // Patterns, clips, masks: each is drawn for the node that uses it.
        let mut used = 0.0;
        node.subroots(|root| used += OF_LAYER + self.group(root));
        OF_ELEMENT + own + used
    }

    fn path(&self, path: &Path) -> f64 {
        let scale = {
            let transform = path.abs_transform();
            f64::from(transform.get_scale().0.max(transform.get_scale().1))
        };
        let edges = edges(path) * scale;
        let filled =
            if path.fill().is_some() { self.share(path.abs_bounding_box()) + self.heights(edges) } else { 0.0 };
        let stroked = path.stroke().map_or(0.0, |stroke| {
            self.share(path.abs_stroke_bounding_box()) + 3.0 * self.heights(edges) + self.dashes(stroke, edges, scale)
        });
        filled + stroked
    }

    /// Edges of this length altogether. Which way they go decides what they take, and every way is possible.
    fn heights(&self, length: f64) -> f64 {
        length / self.height.max(self.width) * OF_EDGE
    }

    /// Each dash is an outline of its own.
    fn dashes(&self, stroke: &Stroke, length: f64, scale: f64) -> f64 {
        let period = stroke.dasharray().map_or(0.0, |dashes| f64::from(dashes.iter().sum::<f32>()) * scale);
        if period > 0.0 { length / period * OF_ELEMENT } else { 0.0 }
    }

    /// A primitive of a filter over the whole drawing.
    fn primitive(&self, primitive: &Primitive) -> f64 {
        let px = |radius: f32| 1.0 + 2.0 * f64::from(radius) / self.width.max(self.height) * SIDE_PX;
        let factor = match primitive.kind() {
            // Beyond, resvg counts too far, and nobody sees them.
            Kind::Turbulence(turbulence) if turbulence.num_octaves() > OCTAVES_MAX => f64::INFINITY,
            Kind::Turbulence(turbulence) => f64::from(turbulence.num_octaves()),
            Kind::Morphology(morphology) => {
                px(morphology.radius_x().get()) * px(morphology.radius_y().get()) / OF_FILTER
            }
            Kind::ConvolveMatrix(convolution) => {
                f64::from(convolution.matrix().columns()) * f64::from(convolution.matrix().rows()) / OF_FILTER
            }
            _ => 1.0,
        };
        OF_FILTER * factor.max(1.0)
    }

    /// The fraction of the drawing that a box covers.
    fn share(&self, of: Rect) -> f64 {
        let side =
            |low: f32, high: f32, whole: f64| (f64::from(high).min(whole) - f64::from(low).max(0.0)).max(0.0) / whole;
        side(of.left(), of.right(), self.width) * side(of.top(), of.bottom(), self.height)
    }
}

/// The length of all edges of a path, by the points that say them.
fn edges(path: &Path) -> f64 {
    let (mut begin, mut at, mut length) = (Point::zero(), Point::zero(), 0.0);
    for segment in path.data().segments() {
        let mut to = |points: &[Point]| {
            for &point in points {
                length += f64::from(at.distance(point));
                at = point;
            }
        };
        match segment {
            PathSegment::MoveTo(point) => (begin, at) = (point, point),
            PathSegment::LineTo(point) => to(&[point]),
            PathSegment::QuadTo(control, point) => to(&[control, point]),
            PathSegment::CubicTo(first, second, point) => to(&[first, second, point]),
            PathSegment::Close => to(&[begin]),
        }
    }
    length
}
