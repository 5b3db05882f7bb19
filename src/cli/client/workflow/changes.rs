//! What the events of a run say, a line for each change.

use std::collections::HashMap;

use packshot_contract::client::{ClientError, Event};
use packshot_contract::event::{NodeStatusEvent, RunStatusEvent};
use packshot_contract::scalar::Time;
use packshot_contract::workflow::{NodeStatus, RunStatus};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::seconds;
use super::watch::with_reason;

/// Members of a node's output that say how far the work is that other nodes do for it.
const MODES: [&str; 4] = ["publication_mode", "association_mode", "notification_mode", "delivery_mode"];

/// Where a run and its nodes stand, as their events say.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    began: Option<Time>,
    nodes: HashMap<String, Seen>,
}

/// The last that was heard of a node.
#[derive(Clone, Debug)]
struct Seen {
    status: NodeStatus,
    began: Option<Time>,
}

impl Changes {
    /// What an event says; `None` if that is nothing new for people.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub(super) fn line(&mut self, event: &Event) -> Result<Option<String>, ClientError> {
        match event.name.as_str() {
            "run.status" => Ok(Some(self.of_run(read(&event.data)?, read(&event.data["at"])?))),
            "node.status" => Ok(self.of_node(read(&event.data)?, read(&event.data["at"])?)),
            _ => Ok(None),
        }
    }

    fn of_run(&mut self, change: RunStatusEvent, at: Time) -> String {
        let RunStatusEvent { status, error_message } = change;
        if status == RunStatus::Running {
            self.began.get_or_insert(at);
        }
        let text = match status {
            RunStatus::Completed => format!("completed{}", since(self.began, at)),
            status => with_reason(&status.to_string(), error_message.as_deref()),
        };
        format!("run: {text}")
    }

    fn of_node(&mut self, change: NodeStatusEvent, at: Time) -> Option<String> {
        let NodeStatusEvent { node_name, step, status, output, error } = change;
        let before = self.nodes.get(&node_name).cloned();
        let began = match status {
            NodeStatus::Running => Some(at),
            _ => before.as_ref().and_then(|seen| seen.began),
        };
        let was = before.map(|seen| seen.status);
        let text = match status {
            // A node that hands its work on says more of it when others have done it.
            status if was == Some(status) => mode(&output)?,
            NodeStatus::Queued if was == Some(NodeStatus::Running) => "queued again".to_owned(),
            NodeStatus::Completed => format!("completed{}", since(began, at)),
            status => with_reason(&status.to_string(), error.as_deref()),
        };
        let line = format!("{node_name} ({step}): {text}");
        self.nodes.insert(node_name, Seen { status, began });
        Some(line)
    }
}

/// Reads a part of an event.
fn read<T: DeserializeOwned>(data: &Value) -> Result<T, ClientError> {
    T::deserialize(data).map_err(|reason| ClientError::NotUnderstood(reason.to_string()))
}

/// ` in 2.1 s`; empty where the beginning is not known.
fn since(began: Option<Time>, at: Time) -> String {
    began.map_or_else(String::new, |began| format!(" in {}", seconds(at.0.since(began.0).as_secs_f64())))
}

/// How far the work is that other nodes do for this one.
fn mode(output: &Value) -> Option<String> {
    let word = MODES.iter().find_map(|name| output[name].as_str())?;
    Some(word.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_change_is_a_line() {
        let mut changes = Changes::default();
        let mut said = |name: &str, second: u32, own: Value| {
            let mut data = json!({"seq": 1, "at": format!("2026-11-20T10:00:{second:02}.000Z")});
            own.as_object().expect("members").iter().for_each(|(name, value)| data[name] = value.clone());
            changes.line(&Event { id: Some(1), name: name.to_owned(), data }).expect("understood").unwrap_or_default()
        };
        let node = |name: &str, status: &str, output: Value, error: Option<&str>| json!({"node_name": name, "step": "render_still", "status": status, "output": output, "error": error});
        let run = |status: &str, error: Option<&str>| json!({"status": status, "error_message": error});
        let none = || json!({});
        assert_eq!(said("run.status", 0, run("pending", None)), "run: pending");
        assert_eq!(said("node.status", 0, node("a", "queued", none(), None)), "a (render_still): queued");
        assert_eq!(said("node.status", 1, node("a", "running", none(), None)), "a (render_still): running");
        assert_eq!(said("run.status", 1, run("running", None)), "run: running");
        assert_eq!(said("node.status", 2, node("a", "queued", none(), None)), "a (render_still): queued again");
        assert_eq!(said("node.status", 3, node("a", "running", none(), None)), "a (render_still): running");
        assert_eq!(
            said("node.status", 5, node("a", "completed", none(), None)),
            "a (render_still): completed in 2.0 s"
        );
        let waits = json!({"publication_mode": "awaiting_graph_authoritative_save"});
        assert_eq!(said("node.status", 5, node("b", "completed", waits, None)), "b (render_still): completed");
        let published = json!({"publication_mode": "published"});
        assert_eq!(said("node.status", 5, node("b", "completed", published, None)), "b (render_still): published");
        assert_eq!(said("node.status", 5, node("b", "completed", none(), None)), "");
        assert_eq!(
            said("node.status", 5, node("c", "failed", none(), Some("no light"))),
            "c (render_still): failed: no light"
        );
        assert_eq!(said("run.status", 6, run("completed", None)), "run: completed in 5.0 s");
        assert_eq!(said("run.status", 6, run("failed", Some("no light"))), "run: failed: no light");
        assert_eq!(said("snapshot", 6, none()), "");
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        let event = Event { id: None, name: "node.status".to_owned(), data: json!({"status": "dreaming"}) };
        assert!(matches!(Changes::default().line(&event), Err(ClientError::NotUnderstood(_))));
    }
}
