//! Pages of long lists, newest first, which stay correct while rows are added and removed.

use std::fmt;
use std::str::FromStr;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::column::Col;
use packshot_domain::time::Timestamp;

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most.
    pub limit: u32,
    /// Where the previous page ended; `None` for the first.
    pub after: Option<Cursor>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` when there is none.
    pub next: Option<Cursor>,
}

impl PageRequest {
    /// Narrows a query to this page and one row more. Rows are ordered by `created_at`, then by `id`, both descending.
    pub(super) fn narrow<E, C>(&self, query: Select<E>, created_at: C, id: C) -> Select<E>
    where
        E: EntityTrait,
        C: ColumnTrait,
    {
        let query = match self.after {
            Some(Cursor { created_at: time, id: last }) => {
                let place = Expr::tuple([created_at.into_expr(), id.into_expr()]);
                query.filter(place.lt(Expr::tuple([Expr::value(Col(time)), Expr::value(last)])))
            }
            None => query,
        };
        query.order_by_desc(created_at).order_by_desc(id).limit(u64::from(self.limit) + 1)
    }

    /// The page, of rows that [`Self::narrow`] led to.
    pub(super) fn cut<R, T: From<R>>(&self, mut rows: Vec<R>, place: impl Fn(&R) -> (Timestamp, Uuid)) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| is_more).map(place);
        let next = last.map(|(created_at, id)| Cursor { created_at, id });
        Page { items: rows.into_iter().map(T::from).collect(), next }
    }
}

/// A place in a list: the item before it, so that rows that are added or removed elsewhere do not move it. As text it
/// is 48 hexadecimal digits, which are opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the item was made.
    pub(super) created_at: Timestamp,
    /// The item.
    pub(super) id: Uuid,
}

/// Text that is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.created_at.unix_ms(), self.id.simple())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let is_formed = text.len() == 48 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let (time, id) = if is_formed { text.split_at(16) } else { return Err(InvalidCursor) };
        let ms = u64::from_str_radix(time, 16).map_err(|_| InvalidCursor)?.cast_signed();
        let created_at = Timestamp::from_unix_ms(ms);
        let id = Uuid::try_parse(id).map_err(|_| InvalidCursor)?;
        let cursor = Self { created_at, id };
        // A time that is out of range would name another place than the text.
        if created_at.unix_ms() == ms { Ok(cursor) } else { Err(InvalidCursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_text() {
        for ms in [0, -1, 1_795_168_800_007, Timestamp::MIN.unix_ms(), Timestamp::MAX.unix_ms()] {
            let cursor = Cursor { created_at: Timestamp::from_unix_ms(ms), id: Uuid::now_v7() };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn c16_garbage_is_refused() {
        let good = Cursor { created_at: Timestamp::from_unix_ms(7), id: Uuid::now_v7() }.to_string();
        let late = format!("7fffffffffffffff{}", &good[16..]);
        for text in ["", "garbage", &good[1..], &good.to_uppercase(), &format!("{good}0"), &late, &"é".repeat(24)] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
