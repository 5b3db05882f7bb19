//! What a list of assets is asked for: filters and an order, as parameters of a query, as members of a body, or within
//! a cursor (media.md §4).

use std::collections::BTreeSet;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use packshot_contract::problem::{Finding, Invalid};
use packshot_db::media::AssetFilter;
use packshot_db::media::list::Place;
use packshot_domain::artifact::Label;
use packshot_domain::id::{AssetId, TenantId};
use packshot_domain::media::AssetOrder;
use packshot_domain::media::search::Query;
use packshot_domain::time::Timestamp;

/// The name of the filter by tenant, which also says who is acted for.
pub const TENANT: &str = "tenant_id";
/// Values of one filter at most: each is a value of a statement, of which databases take few.
const VALUES_MAX: usize = 200;
/// The names of all filters, and of the order.
const NAMES: [&str; 18] = [
    "asset_type",
    "category_key",
    "lagertyp",
    "render_status",
    "state",
    TENANT,
    "q",
    "product_id",
    "order_id",
    "order_line_id",
    "output_type_id",
    "workflow_run_id",
    "design_job_id",
    "view_name",
    "media_type",
    "created_from",
    "created_to",
    "sort",
];

/// What was given, by name: some several times. Other names, and empty values, are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    values: Vec<(String, String)>,
    /// What the place of a value begins with: `?` in a query.
    place: String,
}

impl Given {
    /// Parameters of a query.
    #[must_use]
    pub fn in_query(parameters: &[(String, String)]) -> Self {
        let known = parameters.iter().filter(|(name, value)| NAMES.contains(&name.as_str()) && !value.is_empty());
        Self { values: known.cloned().collect(), place: "?".to_owned() }
    }

    /// Members of an object in a body at `place`, such as `/filter`: texts, or lists of them.
    ///
    /// # Errors
    /// `wrong_type`, `unknown_member`.
    pub fn in_body(object: &Value, place: &str) -> Result<Self, Invalid> {
        let Value::Object(members) = object else {
            return Err(Invalid::one(place, "wrong_type", "expected an object with filters of the list of assets"));
        };
        let mut values = Vec::new();
        let mut findings = Vec::new();
        for (name, value) in members {
            let at = format!("{place}/{name}");
            if !NAMES.contains(&name.as_str()) {
                findings.push(Finding::new(at, "unknown_member", "there is no such filter"));
                continue;
            }
            let texts: Option<Vec<&str>> = match value {
                Value::Null => Some(Vec::new()),
                Value::String(text) => Some(vec![text.as_str()]),
                Value::Array(texts) => texts.iter().map(Value::as_str).collect(),
                _ => None,
            };
            match texts {
                Some(texts) => {
                    let given = texts.into_iter().filter(|text| !text.is_empty());
                    values.extend(given.map(|text| (name.clone(), text.to_owned())));
                }
                None => findings.push(Finding::new(at, "wrong_type", "expected text, or a list of texts")),
            }
        }
        if findings.is_empty() { Ok(Self { values, place: format!("{place}/") }) } else { Err(Invalid { findings }) }
    }

    /// Whether nothing was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn invalid(&self, name: &str, expected: &str) -> Invalid {
        Invalid::one(format!("{}{name}", self.place), "wrong_type", format!("expected {expected}"))
    }

    /// The last of several counts.
    fn one<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Invalid> {
        let text = self.texts(name).last();
        text.map(|text| text.parse().map_err(|_| self.invalid(name, expected))).transpose()
    }

    /// Several, as they are: they may have commas.
    fn each<T: FromStr>(&self, name: &str, expected: &str) -> Result<Vec<T>, Invalid> {
        self.parsed(name, self.texts(name), expected)
    }

    /// Several, also with commas between them.
    fn each_word<T: FromStr>(&self, name: &str, expected: &str) -> Result<Vec<T>, Invalid> {
        let words = self.texts(name).flat_map(|text| text.split(',')).map(str::trim).filter(|word| !word.is_empty());
        self.parsed(name, words, expected)
    }

    /// Each value once.
    fn parsed<'t, T: FromStr>(
        &self,
        name: &str,
        texts: impl Iterator<Item = &'t str>,
        expected: &str,
    ) -> Result<Vec<T>, Invalid> {
        let texts: BTreeSet<&str> = texts.collect();
        if texts.len() > VALUES_MAX {
            let place = format!("{}{name}", self.place);
            return Err(Invalid::one(place, "out_of_range", format!("expected at most {VALUES_MAX} values")));
        }
        texts.into_iter().map(|text| text.parse().map_err(|_| self.invalid(name, expected))).collect()
    }

    /// The tenant.
    ///
    /// # Errors
    /// `wrong_type`.
    pub fn tenant(&self) -> Result<Option<TenantId>, Invalid> {
        self.one(TENANT, "the id of a tenant")
    }

    /// As a filter, and the order of the list.
    ///
    /// # Errors
    /// `wrong_type`, for everything that cannot be read.
    pub fn filter(&self) -> Result<(AssetFilter, AssetOrder), Invalid> {
        let mut findings = Vec::new();
        macro_rules! read {
            ($read:expr) => {
                $read.unwrap_or_else(|invalid| {
                    findings.extend(invalid.findings);
                    Default::default()
                })
            };
        }
        let label = "1 to 200 characters";
        let filter = AssetFilter {
            types: read!(self.each_word("asset_type", "types such as still or turntable")),
            states: read!(self.each_word("state", "states such as published or superseded")),
            categories: read!(self.each::<Label>("category_key", label)),
            lagertypen: read!(self.each::<Label>("lagertyp", label)),
            render_statuses: read!(self.each_word("render_status", "states such as completed or failed")),
            query: read!(self.query()),
            product: read!(self.one("product_id", "the id of a product")),
            order: read!(self.one("order_id", "the id of an order")),
            line: read!(self.one("order_line_id", "the id of an order line")),
            output_type: read!(self.one("output_type_id", "the id of an output type")),
            run: read!(self.one("workflow_run_id", "the id of a workflow run")),
            design_job: read!(self.one::<Uuid>("design_job_id", "the id of a design job")),
            view_name: read!(self.one::<Label>("view_name", label)).map(|view| view.to_string()),
            media_type: read!(self.one::<Label>("media_type", label)).map(|media_type| media_type.to_string()),
            created_from: read!(self.one::<Timestamp>("created_from", "a time such as 2026-11-20T10:00:00Z")),
            created_to: read!(self.one::<Timestamp>("created_to", "a time such as 2026-11-20T10:00:00Z")),
            tenant: read!(self.tenant()),
            owner: None,
        };
        let order: Option<AssetOrder> = read!(self.one("sort", "-created_at, created_at, name, -name or -size_bytes"));
        if findings.is_empty() { Ok((filter, order.unwrap_or(AssetOrder::Newest))) } else { Err(Invalid { findings }) }
    }

    fn query(&self) -> Result<Option<Query>, Invalid> {
        let at = format!("{}q", self.place);
        let parsed = self.texts("q").last().map(str::parse::<Query>).transpose();
        parsed.map_err(|error| Invalid::one(at, "out_of_range", error.to_string()))
    }
}

/// Where the next part of a list begins, with its filters: as text, opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetCursor {
    /// What the list was asked for.
    pub given: Given,
    /// The asset before it.
    pub place: Place,
}

/// A cursor within its text.
#[derive(Serialize, Deserialize)]
struct Written {
    given: Vec<(String, String)>,
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<i64>,
}

impl AssetCursor {
    /// The cursor in a text.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let read = || -> Option<Self> {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let written: Written = serde_json::from_slice(&bytes).ok()?;
            let id = AssetId::from_uuid(written.id);
            let place = match (written.ms, written.name, written.size) {
                (Some(ms), None, None) => Place::Time(Timestamp::from_unix_ms(ms), id),
                (None, Some(name), None) => Place::Name(URL_SAFE_NO_PAD.decode(name).ok()?, id),
                (None, None, Some(size)) => Place::Size(size, id),
                _ => return None,
            };
            let given = Given::in_query(&written.given);
            let (_, order) = given.filter().ok()?;
            let fits = matches!(
                (order, &place),
                (AssetOrder::Newest | AssetOrder::Oldest, Place::Time(..))
                    | (AssetOrder::Name | AssetOrder::NameDescending, Place::Name(..))
                    | (AssetOrder::Largest, Place::Size(..))
            );
            fits.then_some(Self { given, place })
        };
        read().ok_or_else(|| invalid_cursor("not a cursor of this list"))
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        let (mut ms, mut name, mut size) = (None, None, None);
        let id = match &self.place {
            Place::Time(time, id) => {
                ms = Some(time.unix_ms());
                id
            }
            Place::Name(key, id) => {
                name = Some(URL_SAFE_NO_PAD.encode(key));
                id
            }
            Place::Size(bytes, id) => {
                size = Some(*bytes);
                id
            }
        };
        let written = Written { given: self.given.values.clone(), id: id.uuid(), ms, name, size };
        // Texts and numbers can always be written.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&written).unwrap_or_default())
    }

    /// Checks that nothing else is asked for beside it.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub fn check(&self, beside: &Given) -> Result<(), Invalid> {
        // Who is acted for may be said again by itself.
        let sorted = |given: &Given| {
            let mut values: Vec<_> = given.values.iter().filter(|(name, _)| name != TENANT).cloned().collect();
            values.sort_unstable();
            values
        };
        match sorted(beside).is_empty() || sorted(beside) == sorted(&self.given) {
            true => Ok(()),
            false => Err(invalid_cursor("the cursor has its own filters: leave the others out, or repeat the same")),
        }
    }
}

/// The finding about a cursor.
pub(super) fn invalid_cursor(why: &str) -> Invalid {
    Invalid::one("?cursor", "invalid_cursor", why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Given {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Given::in_query(&pairs)
    }

    #[test]
    fn m18_what_is_empty_or_unknown_is_not_asked_for() {
        let none = given(&[("asset_type", ""), ("q", ""), ("no_such", "1"), ("", "x"), ("page", "2")]);
        assert!(none.is_empty());
        assert_eq!(none.filter(), Ok((AssetFilter::default(), AssetOrder::Newest)));
        let several = given(&[("asset_type", "still,view"), ("asset_type", "blend_production"), ("lagertyp", "a, b")]);
        let (filter, _) = several.filter().expect("a filter");
        assert_eq!(filter.types.len(), 3);
        assert_eq!(filter.lagertypen.iter().map(Label::as_str).collect::<Vec<_>>(), ["a, b"]);
    }

    #[test]
    fn m17_all_that_is_wrong_is_found_together() {
        let wrong =
            given(&[("asset_type", "movie"), ("render_status", "done"), ("sort", "colour"), ("created_to", "x")]);
        let places: Vec<String> =
            wrong.filter().expect_err("four faults").findings.into_iter().map(|finding| finding.pointer).collect();
        assert_eq!(places, ["?asset_type", "?render_status", "?created_to", "?sort"]);
    }

    #[test]
    fn m19_cursors_survive_text_and_have_their_filters() {
        let id = AssetId::new();
        for (sort, place) in [
            ("-created_at", Place::Time(Timestamp::from_unix_ms(7), id)),
            ("name", Place::Name(b"\xff\x00".to_vec(), id)),
            ("-size_bytes", Place::Size(9, id)),
        ] {
            let cursor = AssetCursor { given: given(&[("sort", sort), ("q", "ä b")]), place };
            assert_eq!(AssetCursor::parse(&cursor.text()), Ok(cursor.clone()));
            assert!(cursor.check(&given(&[("q", "ä b"), ("sort", sort)])).is_ok());
            assert!(cursor.check(&given(&[])).is_ok());
            assert!(cursor.check(&given(&[("q", "other")])).is_err());
            let foreign = AssetCursor { given: given(&[("sort", "created_at")]), place: Place::Size(9, id) };
            assert!(AssetCursor::parse(&foreign.text()).is_err());
        }
        for text in ["", "garbage", "e30", "00000193b2a05c4e0193b2a05c4e7d319f0a2b8c61d7e4f5"] {
            assert!(AssetCursor::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn m46_a_body_has_the_same_filters() {
        let body = json!({"asset_type": ["still", "view"], "q": "tv", "lagertyp": null});
        let (filter, _) = Given::in_body(&body, "/filter").and_then(|given| given.filter()).expect("a filter");
        assert_eq!((filter.types.len(), filter.query.is_some()), (2, true));
        for (body, place) in [
            (json!({"no_such": "x"}), "/filter/no_such"),
            (json!({"q": 7}), "/filter/q"),
            (json!([]), "/filter"),
            (json!({"asset_type": "movie"}), "/filter/asset_type"),
        ] {
            let refused = Given::in_body(&body, "/filter").and_then(|given| given.filter()).expect_err("a fault");
            assert_eq!(refused.findings[0].pointer, place, "{body}");
        }
    }
}
