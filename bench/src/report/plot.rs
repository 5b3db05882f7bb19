//! A report as a plot: how time grows along each axis, on logarithmic axes.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::report::Report;
use crate::scaling::Curve;

/// Size of the panel of an axis, in pixels, and how many stand side by side.
const PANEL_PX: (u32, u32) = (420, 320);
const PANELS_WIDE: usize = 3;
/// Okabe and Ito 2008, "Color Universal Design": told apart by the colour-blind too.
const COLORS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

impl Report {
    /// An SVG with a panel for each axis of the scaling; `None` where nothing was scaled.
    ///
    /// # Errors
    /// Why it cannot be drawn.
    pub fn plot(&self) -> Result<Option<String>, String> {
        let mut axes: Vec<&str> = self.scaling.iter().map(|curve| curve.axis).collect();
        axes.dedup();
        if axes.is_empty() {
            return Ok(None);
        }
        let rows = axes.len().div_ceil(PANELS_WIDE);
        let columns = axes.len().min(PANELS_WIDE);
        let size = (PANEL_PX.0 * columns as u32, PANEL_PX.1 * rows as u32);
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            root.fill(&WHITE).map_err(|reason| reason.to_string())?;
            for (area, axis) in root.split_evenly((rows, columns)).iter().zip(axes) {
                let curves: Vec<&Curve> = self.scaling.iter().filter(|curve| curve.axis == axis).collect();
                panel(area, axis, &curves).map_err(|reason| reason.to_string())?;
            }
            root.present().map_err(|reason| reason.to_string())?;
        }
        Ok(Some(svg))
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Times of sampling as lines, those of whole processes as points, over one quantity.
fn panel(area: &Area<'_>, axis: &str, curves: &[&Curve]) -> Result<(), Box<dyn std::error::Error>> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (Some(x), Some(y)) = (
        bounds(points().map(|point| point.value)),
        decades(points().flat_map(|point| [point.render_s.median, point.process_s.median])),
    ) else {
        return Ok(());
    };
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    let number = |value: &f64| match value {
        value if *value >= 1e4 => format!("{value:.0e}"),
        value if *value >= 1.0 => format!("{value:.0}"),
        value => format!("{value}"),
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .x_desc(axis)
        .y_desc("seconds")
        .draw()?;
    for (curve, color) in curves.iter().zip(COLORS.iter().cycle()) {
        let sampling = curve.points.iter().map(|point| (point.value, point.render_s.median));
        let process = curve.points.iter().map(|point| (point.value, point.process_s.median));
        let label = match curve.render_exponent {
            Some(k) => format!("{} (k = {k:.2})", curve.renderer),
            None => curve.renderer.to_owned(),
        };
        chart
            .draw_series(LineSeries::new(sampling, color.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], color.stroke_width(2)));
        chart.draw_series(process.map(|at| Circle::new(at, 3, color.filled())))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
    Ok(())
}

/// The decades that positive values lie in: what is labelled on a logarithmic axis.
fn decades(values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let Range { start, end } = bounds(values)?;
    Some(10_f64.powf(start.log10().floor())..10_f64.powf(end.log10().ceil()))
}

/// The range of positive values, a little wider than they are.
fn bounds(values: impl Iterator<Item = f64>) -> Option<Range<f64>> {
    let (least, greatest) = values
        .filter(|value| *value > 0.0)
        .fold((f64::INFINITY, 0.0_f64), |(least, greatest), value| (least.min(value), greatest.max(value)));
    (greatest > 0.0).then_some(0.7 * least..1.4 * greatest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Spread;
    use crate::scaling::Point;

    #[test]
    fn a_plot_has_a_panel_for_each_axis_and_a_line_for_each_renderer() {
        let spread = |median| Spread { median, min: median, max: median, n: 1 };
        let point = |value| Point {
            value,
            render_s: spread(value * 1e-5),
            prepare_s: spread(0.01),
            process_s: spread(0.1 + value * 1e-5),
            peak_mib: None,
        };
        let curve = |axis, renderer| Curve {
            axis,
            renderer,
            points: [1e3, 1e4, 1e5].map(point).to_vec(),
            render_exponent: Some(1.0),
            process_exponent: None,
            fault: None,
        };
        let mut report = Report::new(
            crate::machine::Machine::this(1),
            &crate::settings::Settings::of_shots(Vec::new()),
            Vec::new(),
            Vec::new(),
        );
        assert_eq!(report.plot(), Ok(None), "nothing was scaled");
        report.scaling = vec![curve("pixels", "packshot"), curve("pixels", "cycles"), curve("triangles", "packshot")];
        let svg = report.plot().expect("drawn").expect("something was scaled");
        for text in ["pixels", "triangles", "packshot (k = 1.00)", "cycles (k = 1.00)", "seconds"] {
            assert!(svg.contains(text), "{text} is missing");
        }
    }
}
