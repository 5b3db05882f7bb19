//! What is rendered again when names get materials, or lose them: decided before the transaction that lets it happen.

use std::collections::BTreeSet;

use crate::app::{App, AppError, ErrorKind};
use crate::designs;
use crate::orders;
use crate::renders::again;
use crate::tenancy::RenderSettings;
use packshot_db::reviews::{self as rows, Again, Rerendering};
use packshot_db::{DbError, TenantScope, orders as order_rows};
use packshot_domain::id::OrderLineId;
use packshot_domain::material_alias::AliasScope;
use packshot_domain::principal::Principal;
use packshot_domain::review::{RERENDERED_MAX, RerenderMode, ReviewSubject};
use packshot_materials::aliases::AliasLayer;

/// A name, by what it is of and its key, and the material that it means from then on; `None` where it means none.
pub(super) type Renamed = (AliasScope, String, Option<String>);

/// The lines of which pictures show these names in the fallback material, and the direct render or the design job of a
/// review.
pub(super) async fn of_names(
    app: &App,
    who: &Principal,
    (subject, mode): (Option<ReviewSubject>, RerenderMode),
    names: &[Renamed],
) -> Result<Rerendering, AppError> {
    let lines = match (mode, subject) {
        (RerenderMode::None, _) => return Ok(Rerendering::default()),
        (RerenderMode::Line, Some(ReviewSubject::Line(line))) => vec![line],
        (RerenderMode::Line, _) => Vec::new(),
        (RerenderMode::Affected, subject) => {
            let keys = names.iter().map(|(scope, key, _)| (*scope, key.clone())).collect();
            let mut lines = rows::affected(&app.db, TenantScope::of(who.tenant), keys).await?;
            // Whatever is left out, it is not the line of the review.
            if let Some(ReviewSubject::Line(own)) = subject {
                lines.sort_by_key(|line| *line != own);
            }
            lines
        }
    };
    rendered(app, who, &lines, subject, names).await
}

/// These lines, and the direct render or the design job that a review is of, with names that have changed.
pub(super) async fn rendered(
    app: &App,
    who: &Principal,
    lines: &[OrderLineId],
    subject: Option<ReviewSubject>,
    names: &[Renamed],
) -> Result<Rerendering, AppError> {
    let mut rerendering = Rerendering::default();
    let settings = RenderSettings::in_force(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let mut seen = BTreeSet::new();
    for id in lines.iter().filter(|id| seen.insert(**id)) {
        if rerendering.works.len() >= RERENDERED_MAX {
            rerendering.skipped += 1;
            continue;
        }
        let line = match order_rows::line(&app.db, scope, None, *id).await {
            Ok(line) => line,
            Err(DbError::NotFound(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        match orders::work_of(app, who, &settings, &line).await {
            Ok(work) => rerendering.works.push((line.order, work)),
            Err(error) => {
                tracing::info!(line.id = %id, "it cannot be rendered again: {error}");
                rerendering.skipped += 1;
            }
        }
    }
    let change = |layer: &mut AliasLayer| renamed(layer, names);
    let again = match subject {
        Some(ReviewSubject::Render(render)) => {
            again(app, who, render, change).await.map(|new| Again::Render(Box::new(new)))
        }
        Some(ReviewSubject::Design(job)) => {
            designs::again(app, who, job, change).await.map(|new| Again::Design(Box::new(new)))
        }
        Some(ReviewSubject::Line(_)) | None => return Ok(rerendering),
    };
    match again {
        Ok(again) => rerendering.again = Some(again),
        // Its files have expired, or it is of what the tenant may not render any more.
        Err(error) if matches!(error.kind(), ErrorKind::Own(_) | ErrorKind::Input(_)) => {
            tracing::info!("{subject:?} cannot be rendered again: {error}");
            rerendering.skipped += 1;
        }
        Err(error) => return Err(error),
    }
    Ok(rerendering)
}

/// The tenant's aliases as they will be.
fn renamed(layer: &mut AliasLayer, names: &[Renamed]) {
    for (scope, key, material) in names {
        let aliases = match scope {
            AliasScope::Part => &mut layer.part,
            AliasScope::Material => &mut layer.material,
        };
        match material {
            Some(material) => aliases.insert(key.clone(), material.clone()),
            None => aliases.remove(key),
        };
    }
}
