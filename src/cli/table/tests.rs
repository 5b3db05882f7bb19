//! The command and the service refuse the same options and plan the same pictures.

use std::collections::BTreeSet;

use packshot::plan::{Base, Limits, PicturePlan, resolve};
use packshot_contract::request::{RenderRequest, Uploads};
use serde_json::{Map, Value, json};

use super::*;

/// Numbers that look like chance, the same in every run (Knuth, MMIX).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }
}

/// A value of an option, or now and then one that it does not take.
fn value(spec: &OptionSpec, chance: &mut Chance) -> Value {
    match spec.takes {
        Takes::Flag => json!(chance.below(3) > 0),
        Takes::Whole { min, max } => {
            let (min, max) = (u64::from(min), u64::from(max));
            chance.of(&[json!(min), json!(max.min(min + 1700)), json!((min + 7).min(max)), json!(max + 1)])
        }
        Takes::OneOf(numbers) => chance.of(&[json!(numbers[0]), json!(numbers[1]), json!(numbers[2]), json!(9)]),
        Takes::Real { min, max } => {
            let middle = min + 0.25 * (max.min(1e6) - min);
            chance.of(&[json!(min), json!(middle), json!(max.min(1e6)), json!(min - 1.0)])
        }
        Takes::Three { max, .. } => chance.of(&[json!([0.0, 90.0, 0.0]), json!([-12.5, 0.0, max]), json!([0.0, 0.0])]),
        Takes::Positive { max } => chance.of(&[json!(0.5), json!(max), json!(0.0)]),
        Takes::Word(words) => {
            let mut words: Vec<&str> = words().into_iter().map(|(word, _)| word).collect();
            // These come with a file.
            words.retain(|word| *word != "environment");
            words.push("nonsense");
            json!(chance.of(&words))
        }
        Takes::Words { list, .. } => {
            let words: Vec<&str> = list().into_iter().map(|(word, _)| word).collect();
            let mut some: Vec<&str> = (0..=chance.below(3)).map(|_| chance.of(&words)).collect();
            some.dedup();
            json!(some)
        }
        Takes::Text { .. } => json!(chance.of(&["hero_dark", "catalogue_white", "cpu", "Ring"])),
        Takes::Texts { .. } => chance.of(&[json!(["Ring=Steel"]), json!(["Ring", "Ball_*"])]),
        Takes::Form { .. } => json!(chance.of(&["white", "#102030", "transparent", "red"])),
        Takes::Materials => unreachable!("a file on the command line"),
    }
}

/// A few options as JSON.
fn some_options(chance: &mut Chance) -> Map<String, Value> {
    let mut given = Map::new();
    for _ in 0..=chance.below(5) {
        let spec = chance.of(&TABLE.iter().collect::<Vec<_>>());
        // A single view is one of `views` where several are asked for, and the command calls both `--view`.
        if !matches!(spec.id, OptionId::Materials | OptionId::Library | OptionId::View) {
            given.insert(spec.name.to_owned(), value(spec, chance));
        }
    }
    given
}

/// The same as arguments.
fn arguments(given: &Map<String, Value>) -> Vec<String> {
    let mut arguments = vec!["packshot".to_owned()];
    for (name, value) in given {
        let id = OptionId::by_name(name).expect("an option");
        let option = CommandNames.option(id);
        match (value, &id.spec().takes) {
            (Value::Bool(flag), _) => arguments.push(format!("{option}={flag}")),
            (Value::Array(values), Takes::Texts { .. }) => {
                for value in values {
                    arguments.extend([option.clone(), value.as_str().expect("a text").to_owned()]);
                }
            }
            (Value::Array(values), _) => {
                let words = values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                arguments.extend([option, words.collect::<Vec<_>>().join(",")]);
            }
            (Value::String(text), _) => arguments.extend([option, text.clone()]),
            (number, _) => arguments.extend([option, number.to_string()]),
        }
    }
    arguments
}

/// What is refused, by the names of options; or the plan.
type Decided = Result<PicturePlan, BTreeSet<String>>;

fn of_command(kind: Kind, given: &Map<String, Value>) -> Decided {
    let command = PictureOptions::augment_args(Command::new("packshot"));
    let matches = command.try_get_matches_from(arguments(given)).map_err(|error| {
        let option = error.get(clap::error::ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
        let option = option.split(' ').next().unwrap_or_default().trim_start_matches('-').to_owned();
        BTreeSet::from([option])
    })?;
    let options = PictureOptions::from_arg_matches(&matches).expect("read");
    let named = |failure: Failure| -> BTreeSet<String> {
        failure.faults.into_iter().map(|fault| fault.at.trim_start_matches('-').to_owned()).collect()
    };
    let given = options.read(kind).map_err(named)?;
    let limits = Limits { samples_max: packshot_contract::request::SAMPLES_MAX, ..Limits::default() };
    resolve(&Base { kind, ..Base::default() }, &given.options, &limits)
        .map_err(|faults| faults.iter().map(|fault| fault.option.spec().command_name()).collect())
}

fn of_request(kind: Kind, given: &Map<String, Value>) -> Decided {
    let mut body = given.clone();
    body.insert("kind".to_owned(), json!(kind));
    let files = Uploads { has_glb: true, has_environment: false };
    let limits = Limits { samples_max: packshot_contract::request::SAMPLES_MAX, ..Limits::default() };
    let resolved =
        RenderRequest::read(&Value::Object(body), files).and_then(|request| request.resolved(files, &limits));
    resolved.map(|(_, plan)| plan).map_err(|invalid| {
        let name = |pointer: &str| {
            let name = pointer.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
            OptionId::by_name(&name).map_or(name, |id| id.spec().command_name())
        };
        invalid.findings.iter().map(|finding| name(&finding.pointer)).collect()
    })
}

#[test]
fn command_and_service_decide_alike() {
    let mut chance = Chance(90);
    let (mut n_plans, mut n_refused) = (0, 0);
    for i in 0..2_000 {
        let kind = [Kind::Still, Kind::Turntable, Kind::Views][i % 3];
        let given = some_options(&mut chance);
        match (of_command(kind, &given), of_request(kind, &given)) {
            (Ok(command), Ok(service)) => {
                n_plans += 1;
                assert_eq!(command, service, "{kind}: {given:?}");
            }
            (Err(command), Err(service)) => {
                n_refused += 1;
                // The parser of arguments stops at the first word that it does not know.
                assert!(
                    command.is_subset(&service) && !command.is_empty(),
                    "{kind}: {given:?}: {command:?}, {service:?}"
                );
            }
            (command, service) => panic!("{kind}: {given:?}: {command:?}, {service:?}"),
        }
    }
    assert!(n_plans >= 500 && n_refused >= 500, "{n_plans} plans, {n_refused} refused");
}
