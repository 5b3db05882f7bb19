//! The classes that say how long packages are kept.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::artifact::RetentionClass;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_classes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) name: Col<RetentionClass>,
    pub(crate) ttl_s: Option<i64>,
    pub(crate) description: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
