//! The report of unmapped names over all orders of a tenant (suggested-fixes.md §8).

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Rerender, RerenderMode};
use crate::material_alias::AliasScope;
use crate::problem::Invalid;
use crate::read::parsed;
use crate::scalar::Time;
use packshot_domain::fix;
use packshot_domain::material_alias as domain;
use packshot_domain::product::EntryName;
use packshot_domain::review;

/// Names that are given materials with one request.
const ITEMS_MAX: usize = 100;

words! {
    /// A range of confidence, in percent.
    pub enum Band = fix::Band {
        /// 30 to 49.
        Low = "30-49",
        /// 50 to 69.
        Medium = "50-69",
        /// 70 to 89.
        High = "70-89",
        /// 90 and more.
        Highest = "90-97",
    }
}

/// The names of parts that pictures of orders show in the fallback material.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnmappedNames {
    /// The names: those of most lines first, then by key.
    pub items: Vec<UnmappedName>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
    /// How often proposals were right, by their confidence.
    pub acceptance: Vec<AcceptanceBand>,
    /// Figures over all of them.
    pub totals: NameTotals,
}

/// A name that pictures show in the fallback material.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnmappedName {
    /// Its key; of the scope `material` that of the word for a material.
    pub part_key: String,
    /// What an alias for it is a name of.
    pub scope: AliasScope,
    /// How it is written: at most five spellings.
    pub examples: Vec<String>,
    /// Lines of orders that showed it.
    pub lines: i64,
    /// Their orders.
    pub orders: i64,
    /// Their products.
    pub products: i64,
    /// Its mean share of the surface, 0 to 1.
    pub area_share_mean: f64,
    /// When it was first seen.
    pub first_seen: Time,
    /// When it was last seen.
    pub last_seen: Time,
    /// Whether it has a material everywhere by now.
    pub resolved: bool,
    /// What is proposed for it: at most three materials.
    pub top_proposals: Vec<NameProposal>,
}

/// A material that is proposed for a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NameProposal {
    /// The material.
    pub material_id: String,
    /// How sure it is, in percent.
    pub confidence_pct: u8,
    /// Why.
    pub reason: String,
}

/// How often proposals of one range of confidence were right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptanceBand {
    /// The range.
    pub band: Band,
    /// All of them.
    pub proposed: u32,
    /// Those that were applied, or said to have been.
    pub applied: u32,
    /// Those that worked.
    pub success: u32,
    /// Those that did not.
    pub failed: u32,
    /// Those that somebody dismissed.
    pub dismissed: u32,
}

/// Figures over all names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NameTotals {
    /// Lines of orders with pictures.
    pub lines: i64,
    /// Those that show a part in the fallback material.
    pub lines_unmapped: i64,
    /// Names.
    pub names: i64,
    /// Those that have a material everywhere by now.
    pub names_resolved: i64,
}

/// Names to give to materials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NamesApplyRequest {
    /// The names, each with its material.
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<NameWithMaterial>,
    /// What is rendered again: `affected`, as if absent, or `none`.
    pub rerender: Option<RerenderMode>,
}

/// A name with its material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NameWithMaterial {
    /// The key of a name of the report.
    pub part_key: String,
    /// What it is a name of.
    pub scope: AliasScope,
    /// The id of a material.
    pub material_id: String,
}

/// Names to give to materials, as they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesWish {
    /// Key, scope and material of each.
    pub items: Vec<(domain::AliasKey, domain::AliasScope, EntryName)>,
    /// What is rendered again.
    pub rerender: review::RerenderMode,
}

impl NamesApplyRequest {
    /// Reads names to give to materials.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<NamesWish, Invalid> {
        let faults = Faults::default();
        let wish = Node::root(body, &faults).members().and_then(|mut m| {
            let items = m.require("items").and_then(|node| {
                let list = node.list()?;
                if !(1..=ITEMS_MAX).contains(&list.len()) {
                    return node.refuse(FaultKind::Range, format!("expected 1 to {ITEMS_MAX} names"));
                }
                let items: Vec<Option<_>> = list.iter().map(item).collect();
                items.into_iter().collect::<Option<Vec<_>>>()
            });
            let rerender = m.given("rerender").map_or(Some(RerenderMode::Affected), |node| {
                let mode = node.word::<RerenderMode>()?;
                let is_of_names = mode != RerenderMode::Line;
                is_of_names.then_some(mode).or_else(|| node.refuse(FaultKind::Range, "expected `affected` or `none`"))
            });
            m.finish();
            Some(NamesWish { items: items?, rerender: rerender?.into() })
        });
        Invalid::unless_faults(wish, faults)
    }
}

fn item(node: &Node<'_>) -> Option<(domain::AliasKey, domain::AliasScope, EntryName)> {
    let mut m = node.members()?;
    let key = m.require("part_key").and_then(|node| parsed(&node));
    let scope = m.require("scope").and_then(|node| node.word::<AliasScope>());
    let material = m.require("material_id").and_then(|node| parsed(&node));
    m.finish();
    Some((key?, scope?.into(), material?))
}

/// What became of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamesApplied {
    /// The names that mean their material now.
    pub applied: Vec<AppliedName>,
    /// The others.
    pub skipped: Vec<SkippedName>,
    /// What is rendered again.
    pub rerender: Rerender,
}

/// A name that means its material now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppliedName {
    /// The key.
    pub part_key: String,
    /// What it is a name of.
    pub scope: AliasScope,
    /// The alias.
    pub alias_id: Uuid,
}

/// A name that does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkippedName {
    /// The key.
    pub part_key: String,
    /// What it would be a name of.
    pub scope: AliasScope,
    /// Why: a code.
    pub code: String,
    /// In words.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_read_with_all_faults() {
        let refused = NamesApplyRequest::parse(&json!({
            "items": [{"part_key": "", "scope": "node", "material_id": "M"}, {"part_key": "x"}], "rerender": "line"
        }));
        let pointers: Vec<String> = refused.expect_err("wrong").findings.into_iter().map(|f| f.pointer).collect();
        let expected = ["/items/0/part_key", "/items/0/scope", "/items/1/scope", "/items/1/material_id", "/rerender"];
        assert_eq!(pointers, expected);
        for items in [json!([]), json!(vec![json!({}); 101])] {
            assert!(NamesApplyRequest::parse(&json!({"items": items})).is_err());
        }
        let one = json!({"items": [{"part_key": "rohr", "scope": "part", "material_id": "M"}]});
        assert_eq!(NamesApplyRequest::parse(&one).expect("read").rerender, review::RerenderMode::Affected);
    }
}
