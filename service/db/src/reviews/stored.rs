//! Names without a material as JSON: what a line or a render keeps of its newest pictures.

use serde::{Deserialize, Serialize};

use super::{ReviewPart, Signal};
use crate::column::Col;
use crate::entity::review_part;
use crate::{DbError, Json};
use packshot_domain::review::UnmappedPart;

/// A name without a material.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPart {
    part_name: String,
    part_key: String,
    alias_key: String,
    is_named: bool,
    material_string: Option<String>,
    reason: String,
    node_paths: Vec<String>,
    instances: u32,
    area_share: f64,
    gltf_material: Option<String>,
    gltf_color: Option<[f64; 3]>,
    cad_names: Vec<String>,
}

fn corrupt(what: &'static str, error: impl std::fmt::Display) -> DbError {
    DbError::Corrupt { what, reason: error.to_string() }
}

/// These parts as JSON.
pub(crate) fn write_parts<'p>(parts: impl IntoIterator<Item = &'p UnmappedPart>) -> Json {
    let stored = |part: &UnmappedPart| {
        let UnmappedPart {
            part_name,
            part_key,
            alias_key,
            is_named,
            material_string,
            reason,
            node_paths,
            instances,
            area_share,
            gltf_material,
            gltf_color,
            cad_names,
        } = part.clone();
        let reason = reason.as_str().to_owned();
        StoredPart {
            part_name,
            part_key,
            alias_key,
            is_named,
            material_string,
            reason,
            node_paths,
            instances,
            area_share,
            gltf_material,
            gltf_color,
            cad_names,
        }
    };
    serde_json::to_value(parts.into_iter().map(stored).collect::<Vec<_>>()).unwrap_or_default()
}

/// The parts in JSON.
pub(crate) fn read_parts(stored: Json) -> Result<Vec<UnmappedPart>, DbError> {
    let stored: Vec<StoredPart> =
        serde_json::from_value(stored).map_err(|error| corrupt("list of unmapped parts", error))?;
    let part = |stored: StoredPart| {
        let reason = stored.reason.parse().map_err(|error| corrupt("reason of an unmapped part", error))?;
        Ok(UnmappedPart {
            part_name: stored.part_name,
            part_key: stored.part_key,
            alias_key: stored.alias_key,
            is_named: stored.is_named,
            material_string: stored.material_string,
            reason,
            node_paths: stored.node_paths,
            instances: stored.instances,
            area_share: stored.area_share,
            gltf_material: stored.gltf_material,
            gltf_color: stored.gltf_color,
            cad_names: stored.cad_names,
        })
    };
    stored.into_iter().map(part).collect()
}

/// A reason for a proposal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSignal {
    kind: String,
    score: f64,
    detail: String,
}

pub(super) fn write_signals(signals: &[Signal]) -> Json {
    let stored = signals.iter().map(|Signal { kind, score, detail }| StoredSignal {
        kind: kind.clone(),
        score: *score,
        detail: detail.clone(),
    });
    serde_json::to_value(stored.collect::<Vec<_>>()).unwrap_or_default()
}

pub(super) fn read_signals(stored: Json) -> Result<Vec<Signal>, DbError> {
    let stored: Vec<StoredSignal> =
        serde_json::from_value(stored).map_err(|error| corrupt("list of signals", error))?;
    let signal = |StoredSignal { kind, score, detail }| Signal { kind, score, detail };
    Ok(stored.into_iter().map(signal).collect())
}

impl ReviewPart {
    pub(super) fn of(row: review_part::Model) -> Result<Self, DbError> {
        let part = part_of(&row)?;
        let resolved_by = row.resolved_by.map(Col::value);
        Ok(Self { position: row.position, part, resolved: row.resolved, resolved_by })
    }
}

/// What a row says of a part.
pub(super) fn part_of(row: &review_part::Model) -> Result<UnmappedPart, DbError> {
    let color = row.gltf_color.clone().map(|color| serde_json::from_value(color.0));
    Ok(UnmappedPart {
        part_name: row.part_name.clone(),
        part_key: row.part_key.clone(),
        alias_key: row.alias_key.clone(),
        is_named: row.is_named,
        material_string: row.material_string.clone(),
        reason: row.reason.0,
        node_paths: texts(&row.node_paths.0),
        instances: u32::try_from(row.instances).unwrap_or(0),
        area_share: row.area_share,
        gltf_material: row.gltf_material.clone(),
        gltf_color: color.transpose().map_err(|error| corrupt("colour of an unmapped part", error))?,
        cad_names: texts(&row.cad_names.0),
    })
}

fn texts(list: &Json) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten().filter_map(|text| text.as_str());
    texts.map(str::to_owned).collect()
}
