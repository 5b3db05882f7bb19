//! The report of unmapped names over all orders of the tenant, and names of it that get materials.

use super::applying::is_available;
use super::{require, rerendering, shown};
use crate::app::{App, AppError, Code};
use crate::libraries::aliases::{in_force, named};
use packshot_contract::review::{
    AcceptanceBand, AppliedName, NameProposal, NameTotals, NamesApplied, NamesWish, SkippedName, UnmappedName,
};
use packshot_db::TenantScope;
use packshot_db::reviews::{self as rows, Acceptance, NameApplied, NameCursor, NameFilter, Names, ReportedName};
use packshot_domain::material_alias::{AliasKey, AliasScope, AliasSource, NewAlias};
use packshot_domain::principal::Principal;

/// A page of the report.
#[derive(Clone, Debug)]
pub struct NamePage {
    /// The names.
    pub items: Vec<UnmappedName>,
    /// Where the next page begins.
    pub next: Option<NameCursor>,
    /// How often proposals were right.
    pub acceptance: Vec<AcceptanceBand>,
    /// Figures over all names.
    pub totals: NameTotals,
}

/// The names of parts that pictures of orders show in the fallback material, those of most lines first.
///
/// # Errors
/// [`Code::FeatureDisabled`].
pub async fn names(app: &App, who: &Principal, filter: NameFilter) -> Result<NamePage, AppError> {
    require(app, who).await?;
    let report = rows::names(&app.db, TenantScope::of(who.tenant), filter).await?;
    let totals = NameTotals {
        lines: report.lines,
        lines_unmapped: report.lines_unmapped,
        names: report.names,
        names_resolved: report.names_resolved,
    };
    Ok(NamePage {
        items: report.items.into_iter().map(name).collect(),
        next: report.next,
        acceptance: report.acceptance.into_iter().map(band).collect(),
        totals,
    })
}

fn name(row: ReportedName) -> UnmappedName {
    let proposal = |row: rows::ReportedProposal| NameProposal {
        material_id: row.material,
        confidence_pct: row.confidence_pct,
        reason: row.reason,
    };
    UnmappedName {
        part_key: row.key,
        scope: row.scope.into(),
        examples: row.examples,
        lines: row.lines,
        orders: row.orders,
        products: row.products,
        area_share_mean: row.area_share_mean,
        first_seen: row.first_seen.into(),
        last_seen: row.last_seen.into(),
        resolved: row.resolved,
        top_proposals: row.proposals.into_iter().map(proposal).collect(),
    }
}

fn band(row: Acceptance) -> AcceptanceBand {
    let Acceptance { band, proposed, applied, success, failed, dismissed } = row;
    AcceptanceBand { band: band.into(), proposed, applied, success, failed, dismissed }
}

/// Gives names materials: writes aliases, and lets what shows the names in the fallback material be rendered again. A
/// name that cannot be given stops no other.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::TooManyAliases`].
pub async fn apply_names(app: &App, who: &Principal, wish: NamesWish) -> Result<NamesApplied, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let libraries = in_force(app, who).await?;
    let (mut aliases, mut skipped): (Vec<NewAlias>, Vec<SkippedName>) = (Vec::new(), Vec::new());
    let skip = |(key, of): (&AliasKey, AliasScope), code: Code, reason: String| SkippedName {
        part_key: key.to_string(),
        scope: of.into(),
        code: code.as_str().to_owned(),
        reason,
    };
    for (key, of, material) in wish.items {
        if !is_available(&libraries, material.as_str()) {
            let reason = format!("no library in force has the material {material}, or it is deprecated");
            skipped.push(skip((&key, of), Code::UnknownMaterial, reason));
            continue;
        }
        let owner = libraries.iter().find_map(|library| named(library, key.as_str()));
        if let Some(owner) = owner.filter(|_| of == AliasScope::Material) {
            let reason = format!("it is the id, the code or the name of {owner}, which come before aliases");
            skipped.push(skip((&key, of), Code::AliasConflict, reason));
            continue;
        }
        let written = rows::spelling(&app.db, scope, of, key.as_str()).await?;
        let alias = written.unwrap_or_else(|| key.to_string()).parse().map_err(AppError::internal)?;
        aliases.push(NewAlias { alias, key, scope: of, material, source: AliasSource::Report, fix: None });
    }
    let names: Vec<rerendering::Renamed> =
        aliases.iter().map(|new| (new.scope, new.key.to_string(), Some(new.material.to_string()))).collect();
    let rerendering = rerendering::of_names(app, who, (None, wish.rerender), &names).await?;
    let given = Names { aliases: aliases.clone(), by: (who.actor(), who.user), rerendering };
    let (done, rerender) = rows::apply_names(&app.db, scope, given).await?;
    let mut applied = Vec::new();
    for (new, done) in aliases.iter().zip(done) {
        match done {
            NameApplied::InForce(alias) => applied.push(AppliedName {
                part_key: new.key.to_string(),
                scope: new.scope.into(),
                alias_id: alias.uuid(),
            }),
            NameApplied::Taken(material) => {
                let reason = format!("the name means {material} already");
                skipped.push(skip((&new.key, new.scope), Code::AliasConflict, reason));
            }
        }
    }
    Ok(NamesApplied { applied, skipped, rerender: shown::rerender(rerender) })
}
