//! What a note about a review says: Markdown, made of the review's facts by fixed rules, so that equal facts give equal
//! bytes (suggested-fixes.md §7). Text of users and files is text there, whatever it looks like.

use std::fmt::{self, Write};

use packshot_contract::Word;
use packshot_contract::review::{FixStatus, MaterialReview, NoteKind, ReviewPart, SuggestedFix};
use packshot_contract::scalar::Time;
use packshot_materials::name::breaks_a_line;
use serde::Serialize;

/// The facts of a review.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteBundle {
    /// What the note is for.
    pub kind: NoteKind,
    /// The review.
    pub review: MaterialReview,
    /// The number of the order.
    pub order_number: Option<String>,
    /// The name of the product.
    pub product_name: Option<String>,
}

/// Who writes notes.
pub trait NoteWriter: Send + Sync {
    /// The note of these facts.
    fn write(&self, bundle: &NoteBundle) -> String;
}

/// Text that stays text in Markdown: on one line, and without a character that means anything there.
struct Plain<'t>(&'t str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                c if breaks_a_line(c) => f.write_char(' ')?,
                c if c.is_ascii_punctuation() => write!(f, "\\{c}")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The note of these facts.
pub(super) fn written(bundle: &NoteBundle) -> String {
    let mut note = String::new();
    // Writing to a string cannot fail.
    let _ = write_note(&mut note, bundle);
    note
}

fn write_note(to: &mut String, bundle: &NoteBundle) -> fmt::Result {
    let MaterialReview { parts, fixes, .. } = &bundle.review;
    let waiting: Vec<&SuggestedFix> = fixes.iter().filter(|fix| fix.status == FixStatus::Pending).collect();
    if !waiting.is_empty() {
        writeln!(to, "> **Provisional**: the verdict on {} is still being waited for.", counted(waiting.len(), "fix"))?;
        for fix in &waiting {
            let why = fix.pending_reason.as_deref().unwrap_or_default();
            writeln!(to, "> - {}: {}", Plain(&fix.title), Plain(why))?;
        }
        writeln!(to)?;
    }
    write_problem(to, bundle)?;
    writeln!(to, "\n## What we confirmed\n")?;
    let shown = ordered(bundle);
    if shown.is_empty() {
        writeln!(to, "Nothing was tried yet.")?;
    }
    for fix in shown {
        write_fix(to, fix)?;
    }
    writeln!(to, "\n## Root cause\n")?;
    for part in parts {
        writeln!(to, "- {}: {}", Plain(&part.part_name), cause(part))?;
    }
    writeln!(to, "\n## Resolution\n")?;
    write_resolution(to, bundle)
}

fn write_problem(to: &mut String, bundle: &NoteBundle) -> fmt::Result {
    let MaterialReview { order_line_id, render_id, design_job_id, parts, status, .. } = &bundle.review;
    writeln!(to, "## Problem\n")?;
    let n_open = parts.iter().filter(|part| !part.resolved).count();
    let n = counted(parts.len(), "name");
    match bundle.kind {
        NoteKind::Resolution => writeln!(to, "Pictures showed {n} in the fallback material; {n_open} still open.\n")?,
        NoteKind::Escalation => {
            writeln!(to, "For whoever keeps the library: {n_open} of {n} have no material.\n")?;
        }
    }
    if let Some(number) = &bundle.order_number {
        writeln!(to, "- Order: {}", Plain(number))?;
    }
    if let Some(product) = &bundle.product_name {
        writeln!(to, "- Product: {}", Plain(product))?;
    }
    if let Some(line) = order_line_id {
        writeln!(to, "- Order line: {line}")?;
    }
    if let Some(render) = render_id {
        writeln!(to, "- Render: {render}")?;
    }
    if let Some(job) = design_job_id {
        writeln!(to, "- Design job: {job}")?;
    }
    writeln!(to, "- Review: {}", status.word())?;
    for part in parts {
        if bundle.kind == NoteKind::Escalation && part.resolved {
            continue;
        }
        let share = 100.0 * part.area_share;
        let state = if part.resolved { "has a material now" } else { "has no material" };
        writeln!(to, "- Part {}: {}, {share:.1} % of the surface, {state}", Plain(&part.part_name), part.instances)?;
    }
    Ok(())
}

/// Fixes to which anything was done, or for a hand-over all that are open; those that wait come first there.
fn ordered(bundle: &NoteBundle) -> Vec<&SuggestedFix> {
    let is_touched = |fix: &&SuggestedFix| fix.status != FixStatus::Proposed || fix.applied_at.is_some();
    let mut fixes: Vec<&SuggestedFix> = bundle.review.fixes.iter().collect();
    match bundle.kind {
        NoteKind::Resolution => fixes.retain(is_touched),
        NoteKind::Escalation => {
            let resolved = |fix: &SuggestedFix| {
                bundle.review.parts.iter().any(|part| part.part_key == fix.part_key && part.resolved)
            };
            fixes.retain(|fix| is_touched(fix) || !resolved(fix));
            // The sort is stable: among those of one kind the order of the review stays.
            fixes.sort_by_key(|fix| match fix.status {
                FixStatus::Pending => 0,
                _ if is_touched(fix) => 1,
                _ => 2,
            });
        }
    }
    fixes
}

fn write_fix(to: &mut String, fix: &SuggestedFix) -> fmt::Result {
    writeln!(to, "### {}\n", Plain(&fix.title))?;
    if !fix.description.is_empty() {
        writeln!(to, "{}\n", Plain(&fix.description))?;
    }
    writeln!(to, "- Confidence: {} %", fix.confidence_pct)?;
    writeln!(to, "- Outcome status: {}", fix.status.word())?;
    let time = |time: &Option<Time>| time.as_ref().map_or_else(|| "not yet".to_owned(), |time| time.0.to_string());
    writeln!(to, "- Applied: {}", time(&fix.applied_at))?;
    writeln!(to, "- Verified: {}", time(&fix.verified_at))?;
    let texts = [
        ("Left to do", &fix.partial_notes),
        ("Waiting for", &fix.pending_reason),
        ("Why it failed", &fix.failure_reason),
    ];
    for (what, text) in texts {
        if let Some(text) = text {
            writeln!(to, "- {what}: {}", Plain(text))?;
        }
    }
    writeln!(to)
}

/// Why a part had no material, in words.
fn cause(part: &ReviewPart) -> String {
    use packshot_contract::review::UnmappedReason as Reason;
    match (part.reason, &part.material_string) {
        (Reason::NoMatch, _) => "nothing matches its names".to_owned(),
        (Reason::Ambiguous, _) => "what matches its name disagrees".to_owned(),
        (Reason::MaterialMissing, Some(string)) => format!("no library has the material {}", Plain(string)),
        (Reason::MaterialMissing, None) => "no library has its material".to_owned(),
        (Reason::LibraryInvalid, _) => "the library could not be read".to_owned(),
        (Reason::TextureMissing, _) => "its material lacks a texture".to_owned(),
    }
}

fn write_resolution(to: &mut String, bundle: &NoteBundle) -> fmt::Result {
    let MaterialReview { parts, fixes, .. } = &bundle.review;
    for part in parts {
        let by = fixes.iter().find(|fix| Some(fix.id) == part.resolved_by);
        let name = Plain(&part.part_name);
        match (part.resolved, by, part.resolved_by) {
            (true, Some(fix), _) => writeln!(to, "- {name}: {}", Plain(&fix.material_id))?,
            (true, None, Some(fix)) => writeln!(to, "- {name}: by the fix {fix} of another review")?,
            (true, None, None) => writeln!(to, "- {name}: by the name of its part or its material")?,
            (false, _, _) => writeln!(to, "- {name}: open")?,
        }
    }
    Ok(())
}

fn counted(n: usize, what: &str) -> String {
    let plural = match (n, what) {
        (1, _) => "",
        (_, what) if what.ends_with('x') => "es",
        _ => "s",
    };
    format!("{n} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f66_hostile_text_stays_text() {
        for (hostile, plain) in [
            ("a|b", "a\\|b"),
            ("](javascript:x)", "\\]\\(javascript\\:x\\)"),
            ("<img>", "\\<img\\>"),
            ("\u{1b}[31m", " \\[31m"),
            ("one\ntwo\r\u{2028}", "one two  "),
            ("Öl 1", "Öl 1"),
        ] {
            assert_eq!(Plain(hostile).to_string(), plain);
        }
    }
}
