//! Conditions of a list in SQL, with their values.

use sea_orm::Value;

use crate::column::{Stored, arg};

/// Conditions that are all to be fulfilled.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    all: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// A value, by its place among the arguments of the statement.
    pub(super) fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Adds a condition.
    pub(super) fn and(&mut self, condition: String) {
        self.all.push(condition);
    }

    /// A column has this value.
    pub(super) fn is<T: Stored>(&mut self, column: &str, wanted: Option<T>) {
        if let Some(wanted) = wanted {
            let wanted = self.value(arg(wanted));
            self.and(format!("{column} = {wanted}"));
        }
    }

    /// A column has one of these values; any, where there are none.
    pub(super) fn is_any<T: Stored>(&mut self, column: &str, wanted: impl IntoIterator<Item = T>) {
        let wanted: Vec<String> = wanted.into_iter().map(|wanted| self.value(arg(wanted))).collect();
        match wanted.as_slice() {
            [] => {}
            [one] => self.and(format!("{column} = {one}")),
            several => self.and(format!("{column} IN ({})", several.join(", "))),
        }
    }

    /// All of them, as they follow `WHERE`, and their values.
    pub(super) fn into_sql(self) -> (String, Vec<Value>) {
        let all = if self.all.is_empty() { "TRUE".to_owned() } else { self.all.join(" AND ") };
        (all, self.values)
    }
}
