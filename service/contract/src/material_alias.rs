//! Aliases of a tenant: names that it gave to materials, as clients see them (suggested-fixes.md §1, §4).

use packshot_json::{Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::read::parsed;
use super::scalar::Time;
use packshot_domain::material_alias as domain;
use packshot_domain::product::EntryName;

words! {
    /// What an alias is a name of.
    pub enum AliasScope = domain::AliasScope {
        /// A part: parts of this name wear the material.
        Part = "part",
        /// A material: whoever writes this word means the material.
        Material = "material",
    }
}

words! {
    /// Where an alias comes from.
    pub enum AliasSource = domain::AliasSource {
        /// A suggested fix was applied.
        Fix = "fix",
        /// A name of the report of unmapped names was given a material.
        Report = "report",
        /// Somebody wrote it.
        Manual = "manual",
    }
}

words! {
    /// State of an alias.
    pub enum AliasStatus = domain::AliasStatus {
        /// It is in force.
        Active = "active",
        /// It was taken back, and its name is free.
        Withdrawn = "withdrawn",
    }
}

/// A name that the tenant gave to a material. It lies over the aliases of all libraries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaterialAlias {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// The name, as it was written.
    pub alias: String,
    /// The name without what does not count: case, separators, the spelling of umlauts. An active alias has it once in
    /// its scope.
    pub key: String,
    /// What it is a name of.
    pub scope: AliasScope,
    /// The material.
    pub material_id: String,
    /// Where it comes from.
    pub source: AliasSource,
    /// The suggested fix that wrote it; `null` for another source.
    pub fix_id: Option<Uuid>,
    /// Its state.
    pub status: AliasStatus,
    /// Who wrote it.
    pub created_by: Uuid,
    /// When it was written.
    pub created_at: Time,
    /// When it was taken back; `null` while it is in force.
    pub withdrawn_at: Option<Time>,
}

/// A page of aliases, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaterialAliasPage {
    /// The aliases.
    pub items: Vec<MaterialAlias>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// An alias to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MaterialAliasRequest {
    /// The name: of a part as its CAD file has it, or of a material as somebody writes it.
    #[schema(min_length = 1, max_length = 1024)]
    pub alias: String,
    /// What it is a name of; if absent, of a part.
    pub scope: Option<AliasScope>,
    /// The id of a material of the tenant's library, of the built-in one, or of one that a render template names.
    #[schema(min_length = 1, max_length = 1024)]
    pub material_id: String,
}

/// An alias to write, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasWish {
    /// The name.
    pub alias: EntryName,
    /// What it is a name of.
    pub scope: domain::AliasScope,
    /// The id of the material.
    pub material: EntryName,
}

impl MaterialAliasRequest {
    /// Reads an alias to write.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_value`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<AliasWish, Invalid> {
        let faults = Faults::default();
        let wish = Node::root(body, &faults).members().and_then(|mut m| {
            let alias = m.require("alias").and_then(|node| parsed(&node));
            let scope = m.given("scope").map_or(Some(AliasScope::Part), |node| node.word());
            let material = m.require("material_id").and_then(|node| parsed(&node));
            m.finish();
            Some(AliasWish { alias: alias?, scope: scope?.into(), material: material? })
        });
        Invalid::unless_faults(wish, faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_wrong_with_an_alias_is_found_together() {
        let refused = MaterialAliasRequest::parse(&json!({"alias": "", "scope": "node", "source": "fix"}));
        let pointers: Vec<String> = refused.expect_err("wrong").findings.into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, ["/alias", "/scope", "/material_id", "/source"]);
        let wish = MaterialAliasRequest::parse(&json!({"alias": "Welle", "material_id": "STD_1"})).expect("an alias");
        assert_eq!(wish.scope, domain::AliasScope::Part);
        let of_material = json!({"alias": "Stahl XY", "material_id": "STD_1", "scope": "material"});
        let wish = MaterialAliasRequest::parse(&of_material).expect("an alias");
        assert_eq!(wish.scope, domain::AliasScope::Material);
    }
}
