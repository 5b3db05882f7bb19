//! What `scripts/test` says of the tests at its end, and what it does not let pass.

use std::process::Command;

use crate::tree::{expect_none, files, root};

/// The list of reasons for which a test may skip.
const LIST: &str = "tests/may-skip.txt";

/// A report of cargo-nextest: two binaries, a test that skips, and says so twice.
const JUNIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="0" errors="0" uuid="1" timestamp="2026-01-01T00:00:00.000+00:00" time="11.000">
    <testsuite name="quick" tests="2" disabled="0" errors="0" failures="0">
        <testcase name="a" classname="quick" timestamp="2026-01-01T00:00:00.000+00:00" time="1.250"/>
        <testcase name="b" classname="quick" timestamp="2026-01-01T00:00:00.000+00:00" time="1.250">
            <system-out>
running 1 test
skipped: the &quot;moon&quot; is not up
skipped: the &quot;moon&quot; is not up
test b ... ok
</system-out>
            <system-err></system-err>
        </testcase>
    </testsuite>
    <testsuite name="slow::main" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="c" classname="slow::main" timestamp="2026-01-01T00:00:00.000+00:00" time="10.500">
            <system-out>what was skipped: nothing</system-out>
        </testcase>
    </testsuite>
</testsuites>
"#;

/// The same, from `cargo test -- --show-output`.
const LOG: &str = r#"     Running unittests src/lib.rs (target/debug/deps/quick-0123456789abcdef)

running 2 tests
test a ... ok
test b ... ok

successes:

---- b stdout ----
skipped: the "moon" is not up
skipped: the "moon" is not up

successes:
    a
    b

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.50s

     Running tests/slow/main.rs (target/debug/deps/slow-fedcba9876543210)

running 1 test
test c ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 10.50s
"#;

/// What the script says of reports, and whether it lets them pass.
fn summary(reports: &[&str], list: &str, is_ci: bool) -> (String, bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let list_file = folder.path().join("list");
    std::fs::write(&list_file, list).expect("written");
    let mut command = Command::new(root().join("scripts/test-summary"));
    // In a language that every system has, or the shell warns.
    command.arg(&list_file).env_remove("CI").env("LC_ALL", "C");
    for (i, report) in reports.iter().enumerate() {
        let file = folder.path().join(i.to_string());
        std::fs::write(&file, report).expect("written");
        command.arg(&file);
    }
    if is_ci {
        command.env("CI", "true");
    }
    let output = command.output().expect("the script starts");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).expect("text"), output.status.success())
}

#[test]
fn times_and_skips_are_counted() {
    for (report, slow) in [(JUNIT, "slow::main"), (LOG, "slow")] {
        let (said, passes) = summary(&[report], "", false);
        let expected = format!(
            "seconds  tests  binary\n   10.5      1  {slow}\n    2.5      2  quick\n\
             skipped tests: 1\n      1  the \"moon\" is not up\n"
        );
        assert_eq!((said, passes), (expected, true));
    }
}

#[test]
fn reports_of_two_kinds_are_one_table() {
    for reports in [[JUNIT, LOG], [LOG, JUNIT]] {
        let (said, passes) = summary(&reports, "", false);
        for line in ["   10.5      1  slow\n", "   10.5      1  slow::main\n", "skipped tests: 1\n"] {
            assert!(passes && said.contains(line), "{said}");
        }
        assert_eq!(said.matches("  quick\n").count(), 2, "{said}");
    }
}

#[test]
fn a_report_that_names_no_program_has_the_name_of_its_file() {
    let nameless = LOG.lines().filter(|line| !line.contains("Running")).collect::<Vec<_>>().join("\n");
    let (said, _) = summary(&[JUNIT, &nameless], "", false);
    assert!(said.contains("   10.5      1  1\n") && said.contains("    2.5      2  1\n"), "{said}");
}

#[test]
fn only_what_the_list_names_may_skip_where_ci_is_set() {
    for report in [JUNIT, LOG] {
        let (said, passes) = summary(&[report], "# A list.\nthe sun | it is night\n", true);
        assert!(
            !passes && said.contains("does not allow this skip: the \"moon\" is not up\n  at: quick b\n"),
            "{said}"
        );
        let (said, passes) = summary(&[report], "# A list.\nthe \"moon\" | it is day\n", true);
        assert!(passes && !said.contains("error"), "{said}");
        let (said, passes) = summary(&[report], "the \"moon\"\n", true);
        assert!(!passes && said.contains("list:1: no reason"), "{said}");
    }
}

#[test]
fn what_may_skip_is_what_tests_say() {
    let list = std::fs::read_to_string(root().join(LIST)).expect("the list");
    let sources: Vec<_> = files().into_iter().filter(|file| file.is("rs")).collect();
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let beginnings = lines.map(|line| line.split_once(" | ").expect("a reason and why").0);
    let is_said = |beginning: &str| {
        let line = format!("println!(\"skipped: {beginning}");
        sources.iter().any(|file| file.text.contains(&line))
    };
    expect_none("reasons that no test gives", beginnings.filter(|beginning| !is_said(beginning)).map(str::to_owned));
}
