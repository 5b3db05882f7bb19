//! The settings file: TOML, flattened to dotted keys, each with its line.

use std::path::Path;

use packshot_pipeline::error::Fault;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::source::Origin;
use super::value::{Given, Value};

/// Settings that are a table themselves.
const TABLES: [&str; 1] = ["legacy_executors"];

/// Every value of the file with its dotted key.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<(String, Given)>, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let fault = Fault::new("config.syntax", error.message().trim().to_owned());
        ConfigError::from(
            fault.at(format!("{}:{line}", path.display())).help("write each setting in TOML, as in `threads = 4`"),
        )
    })?;
    let mut values = Vec::new();
    flatten(path, text, "", table.get_ref(), &mut values);
    Ok(values)
}

fn flatten(path: &Path, text: &str, prefix: &str, table: &DeTable<'_>, values: &mut Vec<(String, Given)>) {
    for (name, item) in table {
        let key = format!("{prefix}{}", name.get_ref());
        // Settings nest one level deep; anything deeper is refused as a value of the wrong kind.
        let is_section = prefix.is_empty() && !TABLES.contains(&key.as_str());
        if let (true, Some(inner)) = (is_section, item.get_ref().as_table()) {
            flatten(path, text, &format!("{key}."), inner, values);
            continue;
        }
        let origin = Origin::File { path: path.to_owned(), line: line_of(text, name.span().start), key: key.clone() };
        let value = match item.get_ref() {
            DeValue::Table(_) if TABLES.contains(&key.as_str()) => table_of(item),
            other => value(other),
        };
        values.push((key, Given { value, origin }));
    }
}

fn value(item: &DeValue<'_>) -> Value {
    match item {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number out of range"), Value::Whole),
        DeValue::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
            texts.map_or(Value::Other("a list that does not hold strings only"), Value::List)
        }
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Table(_) => Value::Other("a table"),
    }
}

/// A table as it is.
fn table_of(item: &Spanned<DeValue<'_>>) -> Value {
    toml::Table::deserialize(item.clone().into_deserializer())
        .map_or(Value::Other("a table that cannot be read"), Value::Table)
}

/// The line, from 1 on, of a byte offset.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
