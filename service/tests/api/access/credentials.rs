//! T08, T30: callers that do not say who they are, or not credibly.

use super::asked::{Answer, Body, each, request};
use super::operation::Operation;
use super::table::Row;
use super::tenants::Tenants;

/// What is wrong with how an operation treats unknown callers.
async fn faults(tenants: &Tenants, operation: &Operation) -> Vec<String> {
    let ids = operation.made_up_ids();
    let ask = async |bearer| Answer::to(request(&tenants.app, operation, bearer, &ids, Body::Example)).await;
    let challenge = |answer: &Answer| answer.headers.get("www-authenticate").cloned().unwrap_or_default();
    let mut faults = Vec::new();
    let nobody = ask(None).await;
    if nobody.problem() != (401, "unauthenticated".to_owned()) || challenge(&nobody) != "Bearer" {
        faults.push(format!("{operation} without a token: {} {}", nobody.said(), challenge(&nobody)));
    }
    let nobody = nobody.bare();
    for credential in &tenants.refused {
        let answer = ask(Some(credential.text.as_str())).await;
        let is_refused = answer.problem() == (401, credential.code.to_owned());
        if !is_refused || !challenge(&answer).starts_with("Bearer") {
            faults.push(format!("{operation} with {}: {}", credential.what, answer.said()));
        } else if credential.code == "unauthenticated" && answer.clone().bare() != nobody {
            faults.push(format!("{operation} with {} differs: {}", credential.what, answer.said()));
        }
    }
    faults
}

/// What is wrong with how an open operation treats them: it should not care who they are (T12).
async fn faults_of_open(tenants: &Tenants, operation: &Operation) -> Vec<String> {
    let bearers = tenants.refused.iter().map(|credential| Some(credential.text.as_str()));
    let mut faults = Vec::new();
    for bearer in bearers.chain([None]) {
        let answer = Answer::to(request(&tenants.app, operation, bearer, &[], Body::Unfit)).await;
        if ["unauthenticated", "token_expired"].contains(&answer.code().as_str()) {
            faults.push(format!("{operation}: {}", answer.said()));
        }
    }
    faults
}

cases! {
    on_postgres_in_the_soak:
    async fn t08_t12_t30_only_open_operations_answer_strangers(engine) {
        let tenants = Tenants::of_people(&engine).await;
        let guarded = each(&tenants.guarded(), async |operation| faults(&tenants, operation).await).await;
        let open: Vec<&Operation> = tenants.operations.iter().filter(|operation| operation.is_open()).collect();
        assert!(open.len() >= 5, "{open:?}");
        let open = each(&open, async |operation| faults_of_open(&tenants, operation).await).await;
        let faults: Vec<String> = guarded.into_iter().chain(open).flatten().collect();
        assert_eq!(faults, [""; 0], "{}", faults.len());
    }

    async fn t08_the_document_says_what_the_contract_says(engine) {
        let tenants = Tenants::of_people(&engine).await;
        for operation in &tenants.operations {
            let row = operation.permission.as_ref().map(|permission| Row::of(permission));
            assert_eq!(row.is_none(), operation.is_open(), "{operation}");
            assert!(["tenant", "instance", "open"].contains(&operation.tenancy.as_str()), "{operation}");
            assert_eq!(operation.scope.as_deref(), row.and_then(|row| row.scope), "{operation}");
        }
    }
}
