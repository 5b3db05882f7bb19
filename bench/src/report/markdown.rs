//! A report as Markdown: a table for each level.

use std::fmt::Write;

use crate::levels::Row;
use crate::report::Report;
use crate::rounds::Spread;
use crate::scaling::Curve;

impl Report {
    /// Tables for people; ratios say how many times faster Packshot is.
    pub fn markdown(&self) -> String {
        let machine = &self.machine;
        let mut text = format!(
            "{}, {} cores, {}; {} threads of each renderer, Packshot on the device `{}`; {} in turns, medians (least to \
             greatest). Ratios say how many times faster Packshot is.\n\n",
            machine.processor,
            machine.cores,
            machine.instruction_set,
            machine.threads,
            self.device.as_deref().unwrap_or("auto"),
            match self.rounds {
                1 => "1 round".to_owned(),
                rounds => format!("{rounds} rounds"),
            }
        );
        let versions: Vec<String> =
            self.renderers.iter().map(|each| format!("{} {}", each.name, each.version)).collect();
        let _ = writeln!(text, "{}.", versions.join(", "));
        for missing in &self.missing {
            let _ = writeln!(text, "Left out: {}: {}.", missing.name, missing.reason);
        }
        table(
            &mut text,
            "Rays per second, without shading",
            &["kind", "M rays/s", "ratio", "hits", "nodes per ray", "triangles per ray"],
            &self.rays,
            |f| {
                let hits = format!("{:.0} %", 100.0 * f.hits as f64 / f.rays.max(1) as f64);
                let count = |n: Option<f64>| n.map_or(NONE.to_owned(), |n| format!("{n:.1}"));
                let (nodes, triangles) = (count(f.nodes_per_ray), count(f.triangles_per_ray));
                vec![f.kind.to_owned(), of(f.m_rays_per_s), ratio(f.ratio), hits, nodes, triangles]
            },
        );
        table(
            &mut text,
            "Equal samples",
            &["samples", "M samples/s", "per processor second", "sampling s", "ratio", "process s", "ratio", "MiB"],
            &self.samples,
            |f| {
                vec![
                    format!("{}×{}×{:.0}", f.width, f.height, f.samples),
                    of(f.m_samples_per_s),
                    f.m_samples_per_cpu_s.map_or(NONE.to_owned(), of),
                    of(f.render_s),
                    ratio(f.render_ratio),
                    of(f.process_s),
                    ratio(f.process_ratio),
                    f.peak_mib.map_or(NONE.to_owned(), |mib| format!("{mib:.0}")),
                ]
            },
        );
        table(&mut text, "Equal error", &["error", "samples", "sampling s", "ratio"], &self.error, |f| {
            let beyond = if f.is_extrapolated { " (extrapolated)" } else { "" };
            let times = f.ratio.map_or(NONE.to_owned(), |ratio| format!("{ratio:.2}"));
            vec![format!("{:.0e}", f.rel_mse), format!("{:.0}", f.samples), format!("{:.2}{beyond}", f.seconds), times]
        });
        table(
            &mut text,
            "From request to PNG",
            &["first s", "ratio", "cold s", "ratio", "warm s", "ratio", "import s", "prepare s", "sampling s"],
            &self.request,
            |f| {
                let warm = f.warm_s.map_or(NONE.to_owned(), of);
                let stages = [f.import_s, f.prepare_s, f.render_s].map(|stage| format!("{:.3}", stage.median));
                let first = [f.first_s.map_or(NONE.to_owned(), of), ratio(f.first_ratio)];
                let later = [of(f.cold_s), ratio(f.cold_ratio), warm, ratio(f.warm_ratio)];
                first.into_iter().chain(later).chain(stages).collect()
            },
        );
        table(&mut text, "Turntable, PNG frames", &["frames", "process s", "ratio"], &self.turntable, |f| {
            vec![f.frames.to_string(), of(f.process_s), ratio(f.process_ratio)]
        });
        scaling(&mut text, &self.scaling);
        if !self.notes.is_empty() {
            text.push_str("\nNot followed:\n\n");
        }
        for note in &self.notes {
            let _ = writeln!(text, "- {}: {}", note.renderer, note.note);
        }
        text
    }
}

/// In place of a figure.
const NONE: &str = "–";

fn of(spread: Spread) -> String {
    let digits = if spread.median < 0.1 { 3 } else { 2 };
    match spread.n {
        1 => format!("{:.digits$}", spread.median),
        _ => format!("{:.digits$} ({:.digits$}–{:.digits$})", spread.median, spread.min, spread.max),
    }
}

fn ratio(spread: Option<Spread>) -> String {
    spread.map_or(NONE.to_owned(), of)
}

fn table<F>(text: &mut String, title: &str, columns: &[&str], rows: &[Row<F>], cells: impl Fn(&F) -> Vec<String>) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n**{title}**\n\n| shot | renderer | {} |", columns.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(columns.len()));
    for row in rows {
        let cells = match (&row.figures, &row.fault) {
            (Some(figures), _) => cells(figures),
            (None, fault) => {
                let why = fault.as_deref().unwrap_or("no run");
                let rest = columns.iter().skip(1).map(|_| String::new());
                [why.replace('|', "/")].into_iter().chain(rest).collect()
            }
        };
        let _ = writeln!(text, "| {} | {} | {} |", row.shot.replace('|', "/"), row.renderer, cells.join(" | "));
    }
    let partly = rows.iter().filter(|row| row.figures.is_some());
    for (row, fault) in partly.filter_map(|row| Some((row, row.fault.as_ref()?))) {
        let _ = writeln!(text, "\n{} on {}, a run that failed: {fault}", row.renderer, row.shot);
    }
}

fn scaling(text: &mut String, curves: &[Curve]) {
    if curves.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n**How time grows**: k of t ∝ x^k\n\n| x | renderer | from – to | sampling s | k | process s | k | MiB at most |"
    );
    let _ = writeln!(text, "|---|---|---|---|---|---|---|---|");
    for curve in curves {
        let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) else {
            let why = curve.fault.as_deref().unwrap_or("no run").replace('|', "/");
            let _ = writeln!(text, "| {} | {} | {why} | | | | | |", curve.axis, curve.renderer);
            continue;
        };
        let k = |exponent: Option<f64>| exponent.map_or(NONE.to_owned(), |k| format!("{k:.2}"));
        let mib = curve.points.iter().filter_map(|point| point.peak_mib).reduce(f64::max);
        let _ = writeln!(
            text,
            "| {} | {} | {} – {} | {:.3} – {:.3} | {} | {:.2} – {:.2} | {} | {} |",
            curve.axis,
            curve.renderer,
            first.value,
            last.value,
            first.render_s.median,
            last.render_s.median,
            k(curve.render_exponent),
            first.process_s.median,
            last.process_s.median,
            k(curve.process_exponent),
            mib.map_or(NONE.to_owned(), |mib| format!("{mib:.0}")),
        );
    }
    for (curve, fault) in curves.iter().filter_map(|curve| Some((curve, curve.fault.as_ref()?))) {
        let _ = writeln!(text, "\n{}, {}, no further: {fault}", curve.renderer, curve.axis);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::levels::turntable;
    use crate::machine::Machine;

    #[test]
    fn tables_have_figures_or_reasons() {
        let spread = |median| Spread { median, min: median - 0.5, max: median + 0.5, n: 3 };
        let figures = turntable::Figures { frames: 72, process_s: spread(4.0), process_ratio: Some(spread(2.0)) };
        let row = |renderer, figures, fault| Row { shot: "bearing".to_owned(), renderer, figures, fault };
        let report = Report {
            schema: "",
            machine: Machine { processor: "A processor".to_owned(), cores: 2, instruction_set: "AVX2", threads: 2 },
            rounds: 3,
            device: None,
            renderers: Vec::new(),
            missing: Vec::new(),
            notes: vec![crate::report::Note { renderer: "cycles", note: "textures left out".to_owned() }],
            rays: Vec::new(),
            samples: Vec::new(),
            error: Vec::new(),
            request: Vec::new(),
            turntable: vec![
                row("packshot", Some(figures), None),
                row("cycles", None, Some("exit status: 1: no | memory".to_owned())),
            ],
            scaling: Vec::new(),
        };
        let text = report.markdown();
        assert!(
            text.starts_with(
                "A processor, 2 cores, AVX2; 2 threads of each renderer, Packshot on the device `auto`; 3 rounds"
            ),
            "{text}"
        );
        assert!(text.contains("| bearing | packshot | 72 | 4.00 (3.50–4.50) | 2.00 (1.50–2.50) |\n"), "{text}");
        assert!(text.contains("| bearing | cycles | exit status: 1: no / memory |  |  |\n"), "{text}");
        assert!(text.ends_with("\nNot followed:\n\n- cycles: textures left out\n"), "{text}");
        assert!(!text.contains("Equal samples"), "a level that was not asked for has no table: {text}");
        assert_eq!(report.own_figures(), Ok(()));
    }
}
