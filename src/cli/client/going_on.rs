//! Which command continues after this one: a render does not end with the command that waits for it.

use std::path::{Path, PathBuf};

use packshot_contract::client::ClientError;
use packshot_contract::job::RenderResult;
use uuid::Uuid;

use super::super::failure::Failure;
use super::{ServiceArgs, URL};

/// A render or a run of a workflow, and what this command does with it.
#[derive(Clone, Debug)]
pub(super) struct GoingOn {
    verb: &'static str,
    id: Uuid,
    /// The service, if it is not the default one.
    url: Option<String>,
    output: Option<PathBuf>,
}

impl GoingOn {
    /// The command `packshot client VERB` at this service.
    pub(super) fn by(verb: &'static str, id: Uuid, service: &ServiceArgs, output: Option<&Path>) -> Self {
        let url = (service.url != URL).then(|| service.url.clone());
        Self { verb, id, url, output: output.map(Path::to_owned) }
    }

    /// The failure of this command, with the command that continues. For a render that does not exist, there is none.
    pub(super) fn after(&self, error: ClientError) -> Failure {
        let is_gone = matches!(&error, ClientError::Refused { problem, .. } if matches!(problem.status, 404 | 410));
        let failure = Failure::from(error);
        if is_gone { failure } else { with_help(failure, &format!("continue with `{}`", self.command(self.verb))) }
    }

    /// The same for a file that could not be written: the service still has it.
    pub(super) fn after_saving(&self, failure: Failure) -> Failure {
        // Into a folder that does not exist, the same command would fail again.
        let is_nowhere = |output: &PathBuf| {
            let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
            !super::is_folder(output) && folder.is_some_and(|folder| !folder.is_dir())
        };
        let output = match self.output.clone() {
            Some(output) if is_nowhere(&output) => output.file_name().map(PathBuf::from),
            output => output,
        };
        let command = Self { output, ..self.clone() }.command("fetch");
        with_help(failure, &format!("the service still has the files: fetch them with `{command}`"))
    }

    /// What to say at the end of a render whose files are not fetched yet.
    pub(super) fn completed(&self, result: &RenderResult) -> String {
        let n = result.files.len();
        let (files, them) = if n == 1 { ("file", "it") } else { ("files", "them") };
        let fetch = self.command("fetch");
        format!("completed in {:.1} s: {n} {files}; fetch {them} with `{fetch}`", result.duration_s)
    }

    /// The command that does `verb` with it.
    pub(super) fn command(&self, verb: &str) -> String {
        let mut command = format!("packshot client {verb} {}", self.id);
        if let Some(output) = &self.output {
            command.push_str(&format!(" -o {}", shell_word(&output.display().to_string())));
        }
        if let Some(url) = &self.url {
            command.push_str(&format!(" --url {}", shell_word(url)));
        }
        command
    }
}

/// The failure of a submission. It is not known whether the service already has it; under the same key it makes no
/// second render.
pub(super) fn after_submitting(error: ClientError, key: &str) -> Failure {
    let may_pass = error.may_pass();
    let failure = Failure::from(error);
    match may_pass {
        true => with_help(
            failure,
            &format!("repeat the command with --idempotency-key {}: it makes no second render", shell_word(key)),
        ),
        false => failure,
    }
}

/// Appends the help to that of the first fault.
pub(super) fn with_help(mut failure: Failure, help: &str) -> Failure {
    if let Some(fault) = failure.faults.first_mut() {
        fault.help = if fault.help.is_empty() { help.to_owned() } else { format!("{}; {help}", fault.help) };
    }
    failure
}

/// A word of a command line that can be pasted into a shell.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(url: &str) -> ServiceArgs {
        ServiceArgs { url: url.to_owned(), key: None, retry_for: 0, json: false }
    }

    #[test]
    fn the_command_that_goes_on_is_named() {
        let id = Uuid::nil();
        let failure = GoingOn::by("watch", id, &service(URL), None).after(ClientError::StreamEnded);
        let help = &failure.faults[0].help;
        assert!(help.ends_with(&format!("continue with `packshot client watch {id}`")), "{help}");

        let going_on = GoingOn::by("watch", id, &service("http://a:1"), Some(Path::new("it's one.png")));
        let help = &going_on.after(ClientError::Damaged).faults[0].help;
        assert_eq!(*help, format!(r"continue with `packshot client watch {id} -o 'it'\''s one.png' --url http://a:1`"));

        let nowhere = GoingOn::by("fetch", id, &service(URL), Some(Path::new("no/such/folder/f.png")));
        let help = &nowhere.after_saving(Failure::from(ClientError::Damaged)).faults[0].help;
        assert!(help.ends_with(&format!("fetch them with `packshot client fetch {id} -o f.png`")), "{help}");

        let result: RenderResult = serde_json::from_value(serde_json::json!({
            "output_path": "result.png", "files": [], "duration_s": 1.2, "samples_mean": 4.0,
            "noise_reached": null, "unmapped_parts": 0, "from_cache": false,
        }))
        .expect("a result");
        let said = GoingOn::by("watch", id, &service("http://a:1"), None).completed(&result);
        let fetch = format!("`packshot client fetch {id} --url http://a:1`");
        assert_eq!(said, format!("completed in 1.2 s: 0 files; fetch them with {fetch}"));

        let key = after_submitting(ClientError::Foreign { status: 503 }, "key 1");
        assert!(key.faults[0].help.contains("--idempotency-key 'key 1'"), "{key:?}");
        let final_help = &after_submitting(ClientError::Foreign { status: 404 }, "key").faults[0].help;
        assert!(!final_help.contains("--idempotency-key"), "{final_help}");
    }
}
