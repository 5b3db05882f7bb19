//! Stderr: errors, warnings and logs.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use packshot_materials::name::one_line;
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::failure::{Exit, Failure};

/// So many findings with different texts are printed; `--json` and `--report` have all.
const FINDINGS_MAX: usize = 10;
/// So many places of each.
const PLACES_MAX: usize = 3;
const REPORT_A_BUG: &str = "this is a bug in packshot: please report it with the command, the version \
                            (`packshot --version`) and, if you may share it, the file";

/// Prints why a command failed.
pub(crate) fn print_failure(failure: &Failure) {
    for fault in &failure.faults {
        say(&fault.to_string());
    }
    if failure.exit == Exit::Internal {
        say(&format!("  help: {REPORT_A_BUG}"));
    }
}

/// Says of every panic, on whatever thread, what and where it was, in the shape that all errors have.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic");
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        say(&format!("error[internal]: {message}\n  at: {at}\n  help: {REPORT_A_BUG}"));
    }));
}

/// Prints the findings about an input that a person should see, the most severe first.
pub(crate) fn print_findings(diagnostics: &[Diagnostic]) {
    print_all(diagnostics.iter().map(Finding::from).collect(), "--json lists them all");
}

/// The same for findings from elsewhere; `rest` says where those are that are not printed. What is odd about many parts
/// is said once. Of many texts, there are some of each kind: a slip that was made once stands beside what is odd about
/// a hundred meshes.
pub(crate) fn print_all(mut findings: Vec<Finding<'_>>, rest: &str) {
    findings.retain(|finding| finding.severity >= Severity::Warning);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let said = once(&findings);
    let (printed, left_out) = split(&said);
    for saying in printed {
        say(&saying.text());
    }
    if !left_out.is_empty() {
        let n_more: usize = left_out.iter().map(|(_, n)| n).sum();
        let codes: Vec<String> = left_out.iter().map(|(code, n)| format!("{n} {code}")).collect();
        let findings = if n_more == 1 { "finding" } else { "findings" };
        say(&format!("warning: {n_more} more {findings} ({}); {rest}", codes.join(", ")));
    }
}

/// What is said of one place or of several.
struct Saying<'f> {
    finding: Finding<'f>,
    /// The first of them.
    places: Vec<&'f str>,
    n_places: usize,
}

/// Findings with the same text, one for all their places, in the order of the first of each. Where the text ends with a
/// place in a document (`map.json#/parts/3`), those of one document are the same, and the document alone is named.
fn once<'f>(findings: &[Finding<'f>]) -> Vec<Saying<'f>> {
    let mut said: Vec<Saying<'f>> = Vec::new();
    let mut known = HashMap::new();
    for finding in findings {
        let common = finding.message.rsplit_once("#/").filter(|(_, pointer)| !pointer.contains(' '));
        let common = common.map_or(finding.message, |(document, _)| document);
        let i = *known.entry((finding.severity as u8, finding.code, common)).or_insert_with(|| {
            said.push(Saying { finding: *finding, places: Vec::new(), n_places: 0 });
            said.len() - 1
        });
        if said[i].n_places > 0 {
            said[i].finding.message = common;
        }
        said[i].n_places += 1;
        if said[i].places.len() < PLACES_MAX && !said[i].places.contains(&finding.at) {
            said[i].places.push(finding.at);
        }
    }
    said
}

/// What to print, in its order, and of each code how many findings are left out. Of texts, those come last whose code
/// others have had already.
fn split<'s, 'f>(said: &'s [Saying<'f>]) -> (Vec<&'s Saying<'f>>, Vec<(&'f str, usize)>) {
    let mut n_of_code: HashMap<&str, usize> = HashMap::new();
    let mut next = |finding: &Finding<'f>| {
        let of_code = n_of_code.entry(finding.code).or_default();
        *of_code += 1;
        (std::cmp::Reverse(finding.severity), *of_code)
    };
    let mut by_turn: Vec<_> = said.iter().enumerate().map(|(i, saying)| (next(&saying.finding), i)).collect();
    by_turn.sort_unstable();
    let (first, rest) = by_turn.split_at(FINDINGS_MAX.min(by_turn.len()));
    let mut printed: Vec<usize> = first.iter().map(|(_, i)| *i).collect();
    printed.sort_unstable();
    let mut left_out: Vec<(&str, usize)> = Vec::new();
    for saying in rest.iter().map(|(_, i)| &said[*i]) {
        let code = saying.finding.code;
        match left_out.iter_mut().find(|(other, _)| *other == code) {
            Some((_, n)) => *n += saying.n_places,
            None => left_out.push((code, saying.n_places)),
        }
    }
    (printed.into_iter().map(|i| &said[i]).collect(), left_out)
}

/// A finding to be printed: of this program, or of a service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) severity: Severity,
    pub(crate) code: &'a str,
    pub(crate) at: &'a str,
    pub(crate) message: &'a str,
}

impl<'a> From<&'a Diagnostic> for Finding<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        let Diagnostic { code, severity, at, message } = diagnostic;
        Self { severity: *severity, code, at, message }
    }
}

impl Saying<'_> {
    /// As it is printed. `error[…]` is only for the reason why a command failed.
    fn text(&self) -> String {
        let Finding { severity, code, message, .. } = self.finding;
        let word = if severity == Severity::Error { "problem" } else { "warning" };
        let places: Vec<String> = self.places.iter().map(|at| one_line(at)).filter(|at| !at.is_empty()).collect();
        let more = self.n_places - self.places.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let at = if places.is_empty() { String::new() } else { format!("\n  at: {}{more}", places.join(", ")) };
        format!("{word}[{code}]: {}{at}", one_line(message))
    }
}

/// Prints a warning of the program itself.
pub(crate) fn warn(message: &str) {
    say(&format!("warning: {}", one_line(message)));
}

/// The same, with what to do about it.
pub(crate) fn warn_with_help(message: &str, help: &str) {
    say(&format!("warning: {}\n  help: {help}", one_line(message)));
}

/// Tells what was done, in one line or several. Names of files may hold anything.
pub(crate) fn note(message: &str) {
    message.lines().for_each(|line| say(&one_line(line)));
}

/// A line on stderr. When stderr is gone there is nobody left to tell.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a person watches stderr.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Sends logs to stderr: warnings, or more by `-v` or `RUST_LOG`.
pub(crate) fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "packshot=info,warn",
        2 => "packshot=debug,info",
        _ => "trace",
    };
    // `packshot=info` also covers packshot_renderer and the others: targets match by prefix.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // When stderr is gone, there is nowhere to complain about that either.
    let lines = tracing_subscriber::fmt().with_writer(io::stderr).log_internal_errors(false).event_format(Lines);
    // Only a second call could fail, and there is none.
    let _ = lines.with_env_filter(filter).try_init();
}

/// Plain lines: `[MATERIAL] …` begins with its mark. Warnings say that they are, details say whose they are.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        match *metadata.level() {
            Level::ERROR => line.write_str("error: ")?,
            Level::WARN => line.write_str("warning: ")?,
            Level::INFO => {}
            Level::DEBUG | Level::TRACE => write!(line, "{}: ", metadata.target())?,
        }
        context.format_fields(line.by_ref(), event)?;
        writeln!(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_a_finding_is_its_severity_and_never_that_of_a_failure() {
        for (severity, expected) in [
            (Severity::Warning, "warning[open_shell]: it has a hole\n  at: Lid"),
            (Severity::Error, "problem[open_shell]: it has a hole\n  at: Lid"),
        ] {
            let finding = Finding { code: "open_shell", severity, at: "Lid", message: "it has a hole" };
            assert_eq!(once(&[finding])[0].text(), expected);
        }
    }

    #[test]
    fn what_is_odd_about_many_parts_is_said_once() {
        let (severity, code) = (Severity::Warning, "missing_normals");
        let of = |at, message| Finding { code, severity, at, message };
        let findings = [of("a", "odd"), of("b", "odder"), of("c", "odd"), of("d", "odd"), of("e", "odd")];
        let texts: Vec<String> = once(&findings).iter().map(Saying::text).collect();
        assert_eq!(
            texts,
            ["warning[missing_normals]: odd\n  at: a, c, d and 1 more", "warning[missing_normals]: odder\n  at: b"]
        );
        let open = [of("a", "write one at map.json#/parts/3"), of("b", "write one at map.json#/parts/4")];
        assert_eq!(once(&open[..1])[0].text(), "warning[missing_normals]: write one at map.json#/parts/3\n  at: a");
        assert_eq!(once(&open)[0].text(), "warning[missing_normals]: write one at map.json\n  at: a, b");
        // Parts may be at the same path.
        let alike = once(&[of("a", "odd"), of("a", "odd"), of("a", "odd")]);
        assert_eq!(alike[0].text(), "warning[missing_normals]: odd\n  at: a and 2 more");
        // What has no place says nothing of it.
        assert_eq!(once(&[of("", "odd"), of("", "odd")])[0].text(), "warning[missing_normals]: odd");
    }

    #[test]
    fn of_many_findings_each_kind_is_printed_and_the_rest_is_counted() {
        let severity = Severity::Warning;
        let messages = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"];
        let mut findings: Vec<Finding<'_>> =
            messages.iter().map(|message| Finding { code: "missing_normals", severity, at: "1", message }).collect();
        findings.push(Finding { code: "missing_normals", severity, at: "2", message: "m" });
        findings.extend(["x", "y"].map(|message| Finding { code: "unused_rule", severity, at: "3", message }));
        let said = once(&findings);
        let (printed, left_out) = split(&said);
        let texts: Vec<&str> = printed.iter().map(|saying| saying.finding.message).collect();
        assert_eq!(texts, ["a", "b", "c", "d", "e", "f", "g", "h", "x", "y"]);
        // The last of them at two places.
        assert_eq!(left_out, [("missing_normals", 6)]);
        let (printed, left_out) = split(&said[..FINDINGS_MAX]);
        assert_eq!((printed.len(), left_out.len()), (FINDINGS_MAX, 0));
    }
}
