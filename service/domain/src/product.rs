//! Products: which materials their parts have, and who said so (orders.md §1, §4).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use crate::artifact::Label;
use crate::id::{AliasId, AssetId, CadFileId};
use crate::media::ThumbnailSource;
use crate::words::words;

/// Most bytes of a name in an entry.
const NAME_BYTES_MAX: usize = 1_024;
/// Most entries of a product.
const ENTRIES_MAX: usize = 10_000;

/// The name of a part, or of a material: 1 to 1,024 bytes, none of them NUL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName(String);

/// Text that is no such name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {NAME_BYTES_MAX} bytes, none of them NUL")]
pub struct InvalidEntryName;

impl EntryName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntryName {
    type Err = InvalidEntryName;

    fn from_str(text: &str) -> Result<Self, InvalidEntryName> {
        let is_name = (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.contains('\0');
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidEntryName) }
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

words! {
    /// How the name of a part led to a material when its CAD file was read.
    pub enum FoundBy {
        /// It is the material's id, code or name
        Exact = "exact",
        /// It is the same in another spelling
        Normalized = "normalized",
        /// It is another name of the material
        Alias = "alias",
    }
}

/// The material of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartEntry {
    /// The part.
    pub part_name: EntryName,
    /// A material, by id, code, name or alias.
    pub material: EntryName,
    /// How it was found by itself; `None` for what a person said.
    pub found_by: Option<FoundBy>,
    /// The alias of the tenant that it was found by, if it was one.
    pub alias: Option<AliasId>,
}

/// The materials of a product's parts: each part once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartEntries(Vec<PartEntry>);

/// A list that is no list of entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEntries {
    /// Too many.
    #[error("a product has at most {ENTRIES_MAX} entries")]
    TooMany,
    /// One part has two.
    #[error("the part {part_name:?} is listed twice")]
    Twice {
        /// The part.
        part_name: String,
        /// Where it is listed the second time, from 0.
        at: usize,
    },
}

impl PartEntries {
    /// The entries in a list.
    ///
    /// # Errors
    ///
    /// [`InvalidEntries`].
    pub fn new(entries: Vec<PartEntry>) -> Result<Self, InvalidEntries> {
        if entries.len() > ENTRIES_MAX {
            return Err(InvalidEntries::TooMany);
        }
        let mut seen = HashMap::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            if seen.insert(&entry.part_name, at).is_some() {
                return Err(InvalidEntries::Twice { part_name: entry.part_name.to_string(), at });
            }
        }
        Ok(Self(entries))
    }

    /// The entries.
    #[must_use]
    pub fn as_slice(&self) -> &[PartEntry] {
        &self.0
    }

    /// These entries, sent by a person in place of `before`: one that is as it was keeps what is known of it, and the
    /// others are the person's.
    #[must_use]
    pub fn in_place_of(mut self, before: &Self) -> Self {
        let known: HashMap<_, _> = before.0.iter().map(|entry| (&entry.part_name, entry)).collect();
        for entry in &mut self.0 {
            let same = known.get(&entry.part_name).filter(|before| before.material == entry.material);
            (entry.found_by, entry.alias) = same.map_or((None, None), |before| (before.found_by, before.alias));
        }
        self
    }

    /// Those that a person said.
    #[must_use]
    pub fn of_people(mut self) -> Self {
        self.0.retain(|entry| entry.found_by.is_none());
        self
    }

    /// The aliases of the tenant that entries were found by, each once.
    #[must_use]
    pub fn aliases(&self) -> Vec<AliasId> {
        let mut aliases: Vec<AliasId> = self.0.iter().filter_map(|entry| entry.alias).collect();
        aliases.sort_unstable();
        aliases.dedup();
        aliases
    }

    /// Those that were found by none of the tenant's aliases but these.
    #[must_use]
    pub fn with_aliases_among(mut self, aliases: &HashSet<AliasId>) -> Self {
        self.0.retain(|entry| entry.alias.is_none_or(|alias| aliases.contains(&alias)));
        self
    }

    /// These entries, with others in their place or after them.
    ///
    /// # Errors
    ///
    /// [`InvalidEntries`].
    pub fn overlaid(mut self, said: Vec<PartEntry>) -> Result<Self, InvalidEntries> {
        let said = Self::new(said)?.in_place_of(&self);
        for entry in said.0 {
            match self.0.iter_mut().find(|known| known.part_name == entry.part_name) {
                Some(known) => *known = entry,
                None => self.0.push(entry),
            }
        }
        Self::new(self.0)
    }

    /// These entries and, for parts that have none, those that were found; as many as a product can have.
    #[must_use]
    pub fn filled(mut self, found: Vec<PartEntry>) -> Self {
        let mut seen: HashSet<_> = self.0.iter().map(|entry| entry.part_name.clone()).collect();
        let new = found.into_iter().filter(|entry| seen.insert(entry.part_name.clone()));
        let room = ENTRIES_MAX.saturating_sub(self.0.len());
        self.0.extend(new.take(room).collect::<Vec<_>>());
        self
    }
}

/// What somebody says of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductFields {
    /// Its id in the tenant's product information system. A tenant has each once.
    pub pim_id: Label,
    /// Its name.
    pub name: Label,
    /// The category that it is in.
    pub category_key: Option<Label>,
    /// Its kind of bearing, or whatever the tenant keeps here.
    pub lagertyp: Option<Label>,
    /// The CAD file that it is rendered from.
    pub cad_file: Option<CadFileId>,
    /// Its picture in lists.
    pub thumbnail: Option<Thumbnail>,
    /// The materials of its parts.
    pub parts: PartEntries,
}

/// The picture of a product in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// The media asset.
    pub asset: AssetId,
    /// Who chose it.
    pub source: ThumbnailSource,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(part_name: &str, material: &str, found_by: Option<FoundBy>) -> PartEntry {
        let name = |text: &str| text.parse().expect("a name");
        PartEntry { part_name: name(part_name), material: name(material), found_by, alias: None }
    }

    #[test]
    fn o02_each_part_has_one_entry() {
        assert_eq!("".parse::<EntryName>(), Err(InvalidEntryName));
        assert_eq!("a\0".parse::<EntryName>(), Err(InvalidEntryName));
        assert_eq!("x".repeat(1_025).parse::<EntryName>(), Err(InvalidEntryName));
        let twice = PartEntries::new(vec![entry("Body", "Steel", None), entry("Body", "Brass", None)]);
        assert_eq!(twice, Err(InvalidEntries::Twice { part_name: "Body".to_owned(), at: 1 }));
        let many = (0..=ENTRIES_MAX).map(|n| entry(&format!("Part_{n}"), "Steel", None)).collect();
        assert_eq!(PartEntries::new(many), Err(InvalidEntries::TooMany));
    }

    #[test]
    fn o24_what_a_person_sends_is_theirs() {
        let found = Some(FoundBy::Alias);
        let before = PartEntries::new(vec![entry("Ring", "STD_1", found), entry("Cage", "STD_2", found)]);
        let sent = PartEntries::new(vec![entry("Ring", "STD_1", None), entry("Cage", "STD_3", None)]);
        let after = sent.expect("entries").in_place_of(&before.expect("entries"));
        assert_eq!(after.as_slice(), [entry("Ring", "STD_1", found), entry("Cage", "STD_3", None)]);
        let filled = after.filled(vec![entry("Cage", "STD_2", found), entry("Ball", "STD_4", found)]);
        assert_eq!(filled.as_slice()[1..], [entry("Cage", "STD_3", None), entry("Ball", "STD_4", found)]);
    }

    #[test]
    fn o67_entries_go_with_the_alias_that_they_were_found_by() {
        let (first, second) = (AliasId::new(), AliasId::new());
        let by = |part: &str, alias| PartEntry { alias: Some(alias), ..entry(part, "STD_1", Some(FoundBy::Alias)) };
        let said = entry("Cage", "STD_1", None);
        let list = vec![by("Ring", first), said.clone(), by("Ball", second), by("Seal", first)];
        let entries = PartEntries::new(list).expect("entries");
        assert_eq!(entries.aliases(), [first, second]);
        let kept = entries.clone().with_aliases_among(&HashSet::from([second]));
        assert_eq!(kept.as_slice(), [said.clone(), by("Ball", second)]);
        // What a person sends in place of a found entry is theirs, and stays.
        let sent = PartEntries::new(vec![entry("Ring", "STD_2", None), entry("Seal", "STD_1", None)]);
        let after = sent.expect("entries").in_place_of(&entries).with_aliases_among(&HashSet::new());
        assert_eq!(after.as_slice(), [entry("Ring", "STD_2", None)]);
    }

    #[test]
    fn no_more_is_filled_than_a_product_can_have() {
        let found = (0..ENTRIES_MAX + 5).map(|n| entry(&format!("Part_{n}"), "Steel", Some(FoundBy::Exact))).collect();
        let filled = PartEntries::new(vec![entry("Body", "Brass", None)]).expect("entries").filled(found);
        assert_eq!(filled.as_slice().len(), ENTRIES_MAX);
    }
}
