//! T03, T07, R80: what each role may do.

use packshot_domain::access::Role;
use reqwest::Method;
use serde_json::json;

use super::asked::{Answer, Body, each, request};
use super::operation::Operation;
use super::table::Row;
use super::tenants::{Caller, Tenants};
use crate::app::{Reply, form, id, small};
use crate::glb::Glb;

/// What is wrong with how an operation treats a caller; nothing where it does what the table says.
async fn fault(tenants: &Tenants, operation: &Operation, caller: &Caller) -> Option<String> {
    let row = Row::of(operation.permission.as_ref().expect("it is guarded"));
    let ids = operation.made_up_ids();
    let ask = async |body| Answer::to(request(&tenants.app, operation, Some(&caller.token), &ids, body)).await;
    let answer = ask(Body::Unfit).await;
    if row.grants(caller.role, caller.is_of_alpha) {
        let is_done = !operation.is_plain_read() || answer.status == 200;
        let is_good = answer.is_let_in() && is_done;
        return (!is_good).then(|| format!("{operation} by {caller}, who may: {}", answer.said()));
    }
    // Whatever the request holds: who may not do it is not told what else is wrong with it.
    for answer in [answer, ask(Body::Example).await] {
        if answer.problem() != (403, "forbidden".to_owned()) {
            return Some(format!("{operation} by {caller}, who may not: {}", answer.said()));
        }
    }
    None
}

cases! {
    on_postgres_in_the_soak:
    async fn t03_t07_every_operation_asks_for_its_permission(engine) {
        let tenants = Tenants::of_people(&engine).await;
        let mut asked = Vec::new();
        for operation in tenants.guarded() {
            asked.extend(tenants.callers().into_iter().map(|caller| (operation, caller)));
        }
        let faults = each(&asked, async |(operation, caller)| fault(&tenants, operation, caller).await).await;
        let faults: Vec<String> = faults.into_iter().flatten().collect();
        assert_eq!(faults, [""; 0], "{} of {}", faults.len(), asked.len());
    }

    /// The probes of the table whose requests have an effect: each role asks for one that would succeed.
    async fn t03_t07_r80_roles_do_what_is_theirs(engine) {
        let tenants = Tenants::of_people(&engine).await;
        let alpha = &tenants.alpha;
        let boss = tenants.app.with_key(&alpha.boss.token);
        for caller in [&tenants.admin, &alpha.boss, &alpha.manager, &alpha.client] {
            let guest = tenants.app.with_key(&caller.token);
            let is_client = caller.role == Role::Client;
            let manages = !is_client && caller.role != Role::ProjectManager;
            let expected = |granted: u16, may: bool| if may { granted } else { 403 };
            assert_eq!(guest.submit(&small()).await.status, expected(202, !is_client), "{caller}: POST renders");
            let preflight = guest.request(Method::POST, "/api/v1/preflight").multipart(form(Glb::body(), None));
            assert_eq!(Reply::of(preflight).await.status, expected(200, !is_client), "{caller}: preflight");
            let job = boss.submit(&small()).await.json();
            let path = format!("/api/v1/renders/{}", id(&job));
            assert_eq!(guest.post(&format!("{path}/cancel")).await.status, expected(200, !is_client), "{caller}: cancel");
            boss.post(&format!("{path}/cancel")).await;
            // What was cancelled has not failed: who may requeue is told so.
            let requeue = format!("/api/v1/tasks/{}/requeue", job["task_id"].as_str().expect("a task"));
            assert_eq!(guest.post(&requeue).await.status, expected(409, !is_client), "{caller}: requeue");
            let delete = Reply::of(guest.request(Method::DELETE, &path)).await;
            assert_eq!(delete.status, expected(204, !is_client), "{caller}: DELETE");
            let key = json!({"name": "k", "scopes": ["renders:read"]});
            let key = guest.send(Method::POST, "/api/v1/api-keys", &key).await;
            assert_eq!(key.status, expected(201, !is_client), "{caller}: a key");
            let settings = guest.send(Method::PATCH, "/api/v1/settings", &json!({"render_samples": 64})).await;
            assert_eq!(settings.status, expected(200, manages), "{caller}: settings");
            let mail = format!("{}@new.test", caller.role);
            let user = guest.send(Method::POST, "/api/v1/users", &json!({"email": mail, "display_name": "N"})).await;
            assert_eq!(user.status, expected(201, manages), "{caller}: a user");
        }
    }
}
