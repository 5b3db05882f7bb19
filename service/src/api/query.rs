//! Query parameters, with a finding for each invalid one.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::problem::{ApiError, ApiResult, Code};
use crate::app::{Cursor, PageRequest};
use packshot_contract::page::{LIMIT_DEFAULT, LIMIT_MAX};
use packshot_contract::problem::{Finding, Invalid};

/// The query parameters of a request. Parameters that a route does not know are ignored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(_) => Err(ApiError::new(Code::MalformedBody, "the query string cannot be read")),
        }
    }
}

impl Params {
    /// All parameters, in their order.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The text of a parameter; the last one counts.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A parameter as a value.
    ///
    /// # Errors
    /// `wrong_type` at `?name`.
    pub(crate) fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Invalid> {
        let parsed = self.text(name).map(|text| {
            text.parse().map_err(|_| Invalid::one(format!("?{name}"), "wrong_type", format!("expected {expected}")))
        });
        parsed.transpose()
    }

    /// The values of a parameter that has several: it may be repeated, and have commas between them. Empty ones are
    /// none.
    ///
    /// # Errors
    /// `wrong_type` at `?name`.
    pub(crate) fn parse_each<T: FromStr>(&self, name: &str, expected: &str) -> Result<Vec<T>, Invalid> {
        let given = self.0.iter().filter(|(own, _)| own == name).flat_map(|(_, value)| value.split(','));
        let words = given.map(str::trim).filter(|word| !word.is_empty());
        let parsed: Result<Vec<T>, T::Err> = words.map(str::parse).collect();
        parsed.map_err(|_| Invalid::one(format!("?{name}"), "wrong_type", format!("expected {expected}")))
    }

    /// `limit`.
    ///
    /// # Errors
    /// `out_of_range`.
    pub(crate) fn limit(&self) -> Result<u32, Invalid> {
        let Some(text) = self.text("limit") else { return Ok(LIMIT_DEFAULT) };
        let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or_else(|| Invalid::one("?limit", "out_of_range", format!("expected 1 to {LIMIT_MAX}")))
    }

    /// `limit` and `cursor`.
    ///
    /// # Errors
    /// `out_of_range`, `invalid_cursor`.
    pub(crate) fn page(&self) -> Result<PageRequest, Invalid> {
        let (limit, after) = self.part_of_list::<Cursor>()?;
        Ok(PageRequest { limit, after })
    }

    /// `limit` and `cursor` of a list that has cursors of its own.
    ///
    /// # Errors
    /// `out_of_range`, `invalid_cursor`.
    pub(crate) fn part_of_list<C: FromStr>(&self) -> Result<(u32, Option<C>), Invalid> {
        let limit = self.limit();
        let after = self.text("cursor").map(|text| {
            text.parse().map_err(|_| Finding::new("?cursor", "invalid_cursor", "not a cursor of this list"))
        });
        match (limit, after.transpose()) {
            (Ok(limit), Ok(after)) => Ok((limit, after)),
            (limit, after) => {
                let findings = limit.err().into_iter().flat_map(|invalid| invalid.findings).chain(after.err());
                Err(Invalid { findings: findings.collect() })
            }
        }
    }
}
