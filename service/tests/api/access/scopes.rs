//! T29: what a key opens, scope by scope.

use packshot_domain::access::Scope;

use super::asked::{Answer, Body, each, request};
use super::operation::Operation;
use super::table::Row;
use super::tenants::Tenants;

/// What is wrong with how an operation treats a key with one scope; nothing where it does what the table says.
async fn fault(tenants: &Tenants, operation: &Operation, (scope, key): (&str, &str)) -> Option<String> {
    let row = Row::of(operation.permission.as_ref().expect("it is guarded"));
    let ids = operation.made_up_ids();
    let answer = Answer::to(request(&tenants.app, operation, Some(key), &ids, Body::Unfit)).await;
    let is_good = match row.scope.filter(|_| !row.is_open_to(scope)) {
        None => answer.is_let_in() && (!operation.is_plain_read() || answer.status == 200),
        Some(needed) => {
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
            answer.problem() == (403, "insufficient_scope".to_owned())
                && answer.headers.get("www-authenticate") == Some(&challenge)
        }
    };
    (!is_good)
        .then(|| format!("{operation} with {scope}: {} {:?}", answer.said(), answer.headers.get("www-authenticate")))
}

cases! {
    on_postgres_in_the_soak:
    async fn t29_a_key_opens_what_its_scope_says(engine) {
        let tenants = Tenants::of_people(&engine).await;
        let mut keys = Vec::new();
        for scope in Scope::ALL {
            // Its owner is a global admin: nothing but the scope is in the way.
            keys.push((scope.as_str(), tenants.app.operating_key(&[*scope]).await));
        }
        assert_eq!(keys.len(), 15, "tenancy.md has seven areas with two scopes each, and `admin`");
        let mut asked = Vec::new();
        for operation in tenants.guarded() {
            asked.extend(keys.iter().map(|(scope, key)| (operation, (*scope, key.as_str()))));
        }
        let faults = each(&asked, async |(operation, with)| fault(&tenants, operation, *with).await).await;
        let faults: Vec<String> = faults.into_iter().flatten().collect();
        assert_eq!(faults, [""; 0], "{} of {}", faults.len(), asked.len());
    }
}
