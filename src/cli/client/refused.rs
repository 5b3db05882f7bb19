//! What to do when the service refuses a caller, in the words of this command.

/// What to do about a code; `None` where the service's own help fits.
pub(super) fn way_out(code: &str) -> Option<&'static str> {
    Some(match code {
        "unauthenticated" => {
            "give an API key with --key or in the variable PACKSHOT_KEY; this is also what an expired or a revoked key gets"
        }
        "token_expired" => "sign in again for a new access token, or give an API key with --key, which lasts longer",
        "insufficient_scope" => {
            "give a key that has this scope with --key; `packshot admin create-key --scope SCOPE` makes one"
        }
        "forbidden" => "with --key, give the key of a user who may do this, or ask such a user to do it",
        "password_change_required" => {
            "the owner of the key has to choose a new password first: the service's web page asks for it after sign-in"
        }
        "tenant_inactive" => "ask whoever runs the service: nothing works for this tenant until it is activated again",
        "tenant_mismatch" => "with --key, give a key of the tenant that the render belongs to",
        "setup_required" => {
            "make a key on the service's machine with `packshot admin create-key`, and give it with --key"
        }
        "host_not_allowed" => {
            "reach the service as 127.0.0.1 or localhost, or make a key on its machine with `packshot admin create-key` and \
             give it with --key"
        }
        "workflow_not_found" => "check the id: `packshot client workflow list` lists the saved workflows",
        "workflow_run_not_found" => "check the id: it is the one that `packshot client workflow dispatch` printed",
        "comparison_not_applicable" => {
            "give a run in mode shadow: the dispatch of an order line names it as `shadow_workflow_run_id`"
        }
        "workflow_inactive" => "have it activated by an admin of the tenant, or give the workflow as a file",
        "context_not_found" => {
            "give the id of an order line, as `packshot client order show ORDER --json` has it, or of a CAD file"
        }
        "invalid_workflow_config" => "correct every member that is named, then repeat the command",
        "unsupported_nodes" => "do without these nodes, or ask whoever runs the service to enable their steps",
        "order_rejected" => "open the order again first, with `packshot client order resubmit ORDER`",
        "graph_execution_failed" => {
            "correct what it says, then dispatch again; `packshot client workflow validate` finds it before"
        }
        "rate_limited" => "wait a little and repeat the command, or use --retry-for to let it keep trying for longer",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use packshot_service::app::Code;

    use super::*;

    #[test]
    fn refusals_of_a_caller_name_the_options_of_this_command() {
        for code in
            [Code::Unauthenticated, Code::TokenExpired, Code::InsufficientScope, Code::Forbidden, Code::SetupRequired]
        {
            let help = way_out(code.as_str()).expect("a way out");
            assert!(help.contains("--key") && !super::super::is_for_programs(help), "{help}");
        }
        assert_eq!(way_out(Code::RenderNotFound.as_str()), None);
    }
}
