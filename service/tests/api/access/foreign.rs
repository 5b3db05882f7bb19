//! T47, T48, R78: what another tenant has is not there, whatever asks for it, and however closely one looks.

use super::asked::{Answer, Body, each, request};
use super::operation::Operation;
use super::tenants::Tenants;

/// How often two requests are measured at most. What a process remembers for some seconds may be read again by one of
/// them and not by the other; that what is foreign costs more, it does each time.
const TRIES_MAX: usize = 3;

/// An answer, and how many statements the database ran for it.
async fn measured(tenants: &Tenants, operation: &Operation, bearer: &str, ids: &[String]) -> (Answer, u64) {
    let db = &tenants.app.db;
    let before = db.statements();
    let answer = Answer::to(request(&tenants.app, operation, Some(bearer), ids, Body::Example)).await;
    (answer.bare(), db.statements() - before)
}

/// The answers to a request with each of two kinds of ids, one right after the other, as [`measured`]. They are asked
/// for again while the numbers of statements differ.
async fn compared(
    tenants: &Tenants,
    operation: &Operation,
    bearer: &str,
    [foreign, missing]: [&[String]; 2],
) -> [(Answer, u64); 2] {
    let mut tries = 0;
    loop {
        let seen = measured(tenants, operation, bearer, foreign).await;
        let nothing = measured(tenants, operation, bearer, missing).await;
        tries += 1;
        if seen.1 == nothing.1 || seen.0 != nothing.0 || tries == TRIES_MAX {
            return [seen, nothing];
        }
    }
}

cases! {
    on_postgres_in_the_soak:
    async fn t48_r78_foreign_equals_missing(engine) {
        let tenants = Tenants::with_things(&engine).await;
        let with_ids: Vec<&Operation> = tenants.guarded().into_iter().filter(|operation| operation.has_id()).collect();
        assert!(with_ids.len() > 20, "{}", with_ids.len());
        let (beta, mut faults) = (&tenants.beta, Vec::new());
        for operation in &with_ids {
            let (foreign, missing) = (tenants.ids_in_alpha(operation).await, operation.made_up_ids());
            for bearer in [&beta.boss.token, &beta.manager.token, &beta.key] {
                // The first request with a key writes when it was used.
                measured(&tenants, operation, bearer, &missing).await;
                let both = compared(&tenants, operation, bearer, [&foreign, &missing]).await;
                let [(seen, n_seen), (nothing, n_nothing)] = both;
                if seen != nothing {
                    faults.push(format!("{operation}: {} {:?}, but {}", seen.said(), seen.headers, nothing.said()));
                }
                if n_seen != n_nothing || n_seen == 0 {
                    faults.push(format!("{operation}: {n_seen} statements, but {n_nothing}"));
                }
                if !(400..500).contains(&seen.status) {
                    faults.push(format!("{operation}: {}", seen.said()));
                }
            }
        }
        assert_eq!(faults, [""; 0], "{}", faults.len());
        // Those were ids of things, and nothing was done to them.
        for operation in with_ids.iter().filter(|operation| operation.method == reqwest::Method::GET) {
            let ids = tenants.ids_in_alpha(operation).await;
            let owner = if operation.path.starts_with("/api/v1/tenants") { &tenants.admin } else { &tenants.alpha.boss };
            let own = Answer::to(request(&tenants.app, operation, Some(&owner.token), &ids, Body::Example)).await;
            // The reference of the example is one to nothing.
            let expected = match operation.has_reference() {
                true => 404,
                // Its run is no shadow, which is said of an own run alone.
                false if operation.path.contains("/comparison") => 409,
                false => 200,
            };
            assert_eq!(own.status, expected, "{operation}: {}", own.said());
        }
    }

    async fn t47_a_header_names_no_other_tenant(engine) {
        let tenants = Tenants::of_people(&engine).await;
        let (alpha, nobody) = (tenants.alpha.id.to_string(), uuid::Uuid::now_v7().to_string());
        let guarded = tenants.guarded();
        let faults = each(&guarded, async |operation| {
            let ids = operation.made_up_ids();
            let ask = async |named: &str| {
                let request = request(&tenants.app, operation, Some(&tenants.beta.boss.token), &ids, Body::Unfit);
                Answer::to(request.header("x-tenant-id", named)).await
            };
            let (existing, made_up) = (ask(&alpha).await, ask(&nobody).await);
            let code = existing.code();
            // Whoever may not use the route is told that first.
            let is_refused = existing.status == 403 && ["tenant_mismatch", "forbidden"].contains(&code.as_str());
            let is_equal = existing.clone().bare() == made_up.clone().bare();
            (!is_refused || !is_equal).then(|| format!("{operation}: {}, but {}", existing.said(), made_up.said()))
        });
        let faults: Vec<String> = faults.await.into_iter().flatten().collect();
        assert_eq!(faults, [""; 0], "{} of {}", faults.len(), guarded.len());
    }
}
