//! `name=value,name=value` of a command line: every member by its name, as a document.

use packshot_json::{Fault, FaultKind};
use packshot_words::nearest;
use serde_json::{Map, Number, Value, json};

use super::members::{Group, MEMBERS, Member, Takes, by_name};
use super::{DesignRequest, UnitWord};
use packshot_words::Word;

impl DesignRequest {
    /// Reads what a command line says: the surface (`Body`, `part=Body`, `material=Print`, several with a comma), and
    /// the placement (`width=60mm,at=front`), which may have members of the area and of the request too.
    ///
    /// # Errors
    /// Everything that is wrong, each with the member as its place.
    pub fn from_text(on: Option<&str>, place: Option<&str>) -> Result<Self, Vec<Fault>> {
        let mut document = Document::default();
        let is_pairs = |text: &str| text.starts_with("part=") || text.starts_with("material=");
        match on {
            Some(on) if is_pairs(on) => document.add_all(on),
            // A name may have any characters.
            Some(name) => drop(document.area.insert("name".to_owned(), json!(name))),
            None => {}
        }
        if let Some(place) = place {
            document.add_all(place);
        }
        if document.area.contains_key("name")
            && let Some(twice) = ["part", "material"].into_iter().find(|member| document.area.contains_key(*member))
        {
            let message = "the surface is chosen apart from the placement already".to_owned();
            document.faults.push(Fault { at: twice.to_owned(), ..Fault::new(FaultKind::Duplicate, message) });
            document.area.remove("name");
        }
        let Document { area, placement, request, mut faults } = document;
        let mut whole = request;
        if !area.is_empty() {
            whole.insert("area".to_owned(), Value::Object(area));
        }
        whole.insert("placement".to_owned(), Value::Object(placement));
        match Self::read(&Value::Object(whole)) {
            Ok(read) if faults.is_empty() => Ok(read),
            Ok(_) => Err(faults),
            Err(more) => {
                // On the command line a member has no object around it.
                faults.extend(more.into_iter().map(|fault| {
                    let at = fault.at.trim_start_matches("/placement").trim_start_matches("/area");
                    Fault { at: at.trim_start_matches('/').to_owned(), ..fault }
                }));
                Err(faults)
            }
        }
    }
}

/// The objects of a request, and what is wrong with their text.
#[derive(Default)]
struct Document {
    area: Map<String, Value>,
    placement: Map<String, Value>,
    request: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Document {
    fn add_all(&mut self, text: &str) {
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) =
                pair.split_once('=').map_or((pair, None), |(name, value)| (name.trim(), Some(value.trim())));
            if let Err(fault) = self.add(name, value) {
                self.faults.push(fault);
            }
        }
    }

    fn add(&mut self, name: &str, text: Option<&str>) -> Result<(), Fault> {
        let fault = |kind, message: String| Fault { at: name.to_owned(), ..Fault::new(kind, message) };
        let folded = name.replace('-', "_");
        let member = by_name(&folded).ok_or_else(|| {
            let message = match nearest(&folded, MEMBERS.iter().map(|member| member.name)) {
                Some(near) => format!("there is no `{name}`; did you mean `{near}`?"),
                None => format!("there is no `{name}`"),
            };
            fault(FaultKind::UnknownMember, message)
        })?;
        let text = match (text, member.takes) {
            (Some(text), _) => text,
            // A flag alone is set.
            (None, Takes::Flag) => "true",
            (None, _) => {
                return Err(fault(FaultKind::Type, format!("it has no value: write `{name}=` and what it is")));
            }
        };
        let (value, unit) = parsed(member, text).map_err(|message| fault(FaultKind::Type, message))?;
        if let Some(unit) = unit {
            let unit = json!(unit.word());
            if self.placement.get("unit").is_some_and(|other| *other != unit) {
                return Err(fault(FaultKind::Conflict, "lengths have different units".to_owned()));
            }
            self.placement.insert("unit".to_owned(), unit);
        }
        let group = match member.group {
            Group::Placement => &mut self.placement,
            Group::Area => &mut self.area,
            Group::Request => &mut self.request,
        };
        match group.insert(member.name.to_owned(), value) {
            Some(other) if member.name != "unit" || group.get("unit") != Some(&other) => {
                Err(fault(FaultKind::Duplicate, "it is given twice".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The value of a member's text, and the unit that the text ends with.
fn parsed(member: &Member, text: &str) -> Result<(Value, Option<UnitWord>), String> {
    let number = |text: &str| text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number);
    match member.takes {
        Takes::Flag => match text {
            "true" => Ok((Value::Bool(true), None)),
            "false" => Ok((Value::Bool(false), None)),
            _ => Err("expected true or false".to_owned()),
        },
        Takes::Length { .. } => {
            let (digits, unit) = text.strip_suffix("mm").map_or((text, None), |digits| (digits, Some(UnitWord::Mm)));
            let value = number(digits.trim_end())
                .ok_or_else(|| format!("`{text}` is not a length: expected a number, such as 60mm"))?;
            Ok((value, unit))
        }
        Takes::Number { unit, .. } => {
            let digits = text.strip_suffix(unit).unwrap_or(text);
            Ok((number(digits.trim_end()).ok_or("expected a number")?, None))
        }
        Takes::Whole { .. } => Ok((json!(text.parse::<u32>().map_err(|_| "expected a whole number")?), None)),
        Takes::Spot if text.contains('/') => {
            let digits = text.strip_suffix("mm").unwrap_or(text);
            let point: Option<Vec<Value>> = digits.split('/').map(|part| number(part.trim())).collect();
            match point {
                Some(point) if point.len() == 3 => Ok((Value::Array(point), None)),
                _ => Err("expected a point in millimetres, such as 0/40/25".to_owned()),
            }
        }
        Takes::Spot | Takes::Word(_) | Takes::Name => Ok((json!(text), None)),
    }
}
