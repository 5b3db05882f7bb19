//! The findings of a render's report, said as `packshot render` says them.

use packshot_contract::client::Client;
use packshot_contract::job::Job;
use packshot_contract::preflight::{Diagnostic, MaterialReport, MaterialReportItem, Severity};
use packshot_renderer::diagnostic::Severity as Shown;

use super::super::console::{self, Finding};

/// Names of parts in one warning, at most.
const NAMED_MAX: usize = 20;

/// Says what a person must know of a picture even if nobody asks: first of all, what is magenta. A job without a
/// picture has no report.
pub(super) async fn tell(client: &Client, job: &Job) {
    if job.result.is_none() {
        return;
    }
    let report = match client.report(job.id).await {
        Ok(report) => report,
        Err(error) => return console::warn(&format!("the findings about the product could not be read: {error}")),
    };
    if let Some(warning) = report.materials.as_ref().and_then(unmapped) {
        console::warn(&warning);
    }
    // The parts without a material have been named.
    let others = report.diagnostics.iter().filter(|finding| finding.code != "unmapped_part");
    console::print_all(others.map(shown).collect(), &format!("{} lists them all", job.links.report));
}

/// Which parts have no material; `None` when all have one.
fn unmapped(report: &MaterialReport) -> Option<String> {
    let parts = report.items.iter().filter(|item| item.reason.is_some());
    let mut names: Vec<String> = parts.map(|item| format!("`{}`", name_of(item))).collect();
    let n = names.len();
    if n > NAMED_MAX {
        names.truncate(NAMED_MAX);
        names.push(format!("{} more", n - NAMED_MAX));
    }
    let have = if n == 1 { "has" } else { "have" };
    (n > 0).then(|| format!("{n} of {} parts {have} no material: {}", report.parts, names.join(", ")))
}

/// What people call a part.
fn name_of(item: &MaterialReportItem) -> &str {
    let names = [&item.node, &item.mesh].into_iter().filter_map(|name| name.as_deref());
    names.map(str::trim).find(|name| !name.is_empty()).unwrap_or(&item.path)
}

fn shown(finding: &Diagnostic) -> Finding<'_> {
    let severity = match finding.severity {
        Severity::Info => Shown::Info,
        Severity::Warning => Shown::Warning,
        Severity::Error => Shown::Error,
    };
    Finding { severity, code: &finding.code, at: &finding.at, message: &finding.message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_without_a_material_are_counted_and_named() {
        let item = |node: Option<&str>, reason: Option<&str>| MaterialReportItem {
            path: "/Root/Part".to_owned(),
            node: node.map(str::to_owned),
            mesh: None,
            method: "fallback".to_owned(),
            string: None,
            material_method: None,
            material: None,
            confidence: 0.0,
            reason: reason.map(str::to_owned),
            suggestions: Vec::new(),
        };
        let report = |items: Vec<MaterialReportItem>| MaterialReport {
            library: String::new(),
            parts: items.len() as u64,
            resolved: 0,
            unmapped: 0,
            coverage_area: 0.0,
            items,
        };
        let some =
            report(vec![item(Some("Lid"), Some("no_match")), item(None, Some("no_match")), item(Some("Pin"), None)]);
        assert_eq!(unmapped(&some).as_deref(), Some("2 of 3 parts have no material: `Lid`, `/Root/Part`"));
        assert_eq!(unmapped(&report(vec![item(Some("Pin"), None)])), None);
        let many = report((0..23).map(|_| item(Some("Lid"), Some("no_match"))).collect());
        assert!(unmapped(&many).is_some_and(|warning| warning.ends_with("`Lid`, 3 more")));
    }
}
