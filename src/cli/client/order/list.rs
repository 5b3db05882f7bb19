//! `packshot client order list` and `show`.

use clap::Args;
use packshot_contract::client::OrderQuery;
use packshot_contract::order::{LineCounts, Order, OrderLine, OrderPage, OrderStatus, OrderSummary, RenderStatus};
use packshot_contract::scalar::Time;
use packshot_materials::name::one_line;
use packshot_words::Word;

use super::super::super::failure::Failure;
use super::super::super::files;
use super::super::ServiceArgs;
use super::super::columns::{cut, table};
use super::names::Names;
use super::{OrderArgs, find};

/// Orders that a page of the service has at most.
const PAGE: u32 = 200;

/// Arguments of `client order list`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client order list --status processing")]
pub(crate) struct ListArgs {
    /// Only orders in this state
    #[arg(long, value_name = "STATE", value_parser = status)]
    status: Option<OrderStatus>,
    /// Orders at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    service: ServiceArgs,
}

fn status(word: &str) -> Result<OrderStatus, String> {
    OrderStatus::by_word(word).ok_or_else(|| format!("expected one of {}", OrderStatus::list()))
}

pub(super) async fn run(args: &ListArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let of = OrderQuery { status: args.status, number: None };
    let mut listed = OrderPage { items: Vec::new(), next_cursor: None };
    loop {
        let left = args.limit.saturating_sub(u32::try_from(listed.items.len()).unwrap_or(u32::MAX));
        let page = client.orders(&of, left.min(PAGE), listed.next_cursor.as_deref()).await?;
        listed.items.extend(page.items);
        listed.next_cursor = page.next_cursor;
        if listed.next_cursor.is_none() || listed.items.len() >= args.limit as usize {
            break;
        }
    }
    if args.service.json {
        return files::print_json(&listed);
    }
    let head = ["ORDER", "STATE", "LINES", "SUBMITTED", "MADE", "NOTES"].map(str::to_owned).to_vec();
    let rows = std::iter::once(head).chain(listed.items.iter().map(row));
    files::print(table(&rows.collect::<Vec<_>>()).as_bytes())
}

fn row(order: &OrderSummary) -> Vec<String> {
    vec![
        one_line(&order.order_number).to_string(),
        order.status.to_string(),
        counts(order.line_counts),
        to_the_minute(order.submitted_at),
        to_the_minute(Some(order.created_at)),
        cut(order.notes.as_deref().unwrap_or_default()),
    ]
}

pub(super) async fn show(args: &OrderArgs) -> Result<(), Failure> {
    let client = args.service.client()?;
    let order = find(&client, &args.order).await?;
    if args.service.json {
        return files::print_json(&order);
    }
    let names = Names::of_order(&client, &order).await?;
    files::print(described(&order, &names).as_bytes())
}

/// An order for people: what it is, and a row for each line.
fn described(Order { summary, lines }: &Order, names: &Names) -> String {
    let mut facts = vec![
        ("order", one_line(&summary.order_number).to_string()),
        ("id", summary.id.to_string()),
        ("state", summary.status.to_string()),
        ("lines", counts(summary.line_counts)),
        ("made", to_the_minute(Some(summary.created_at))),
    ];
    let times =
        [("submitted", summary.submitted_at), ("completed", summary.completed_at), ("rejected", summary.rejected_at)];
    facts.extend(times.into_iter().filter(|(_, time)| time.is_some()).map(|(name, time)| (name, to_the_minute(time))));
    let texts = [("reason", &summary.rejection_reason), ("notes", &summary.notes)];
    facts.extend(texts.into_iter().filter_map(|(name, text)| Some((name, one_line(text.as_ref()?).to_string()))));
    let facts: Vec<Vec<String>> = facts.into_iter().map(|(name, value)| vec![format!("{name}:"), value]).collect();
    let head = ["LINE", "PRODUCT", "OUTPUT TYPE", "STATE", "ENDED", "ERROR"].map(str::to_owned).to_vec();
    let row = |(i, line): (usize, &OrderLine)| {
        let product = one_line(names.product(line)).to_string();
        let output_type = one_line(names.output_type(line)).to_string();
        let ended = line.render_completed_at.map_or_else(String::new, |time| to_the_minute(Some(time)));
        vec![(i + 1).to_string(), product, output_type, line.render_status.to_string(), ended, cut(&error_of(line))]
    };
    let rows: Vec<_> = std::iter::once(head).chain(lines.iter().enumerate().map(row)).collect();
    if lines.is_empty() { table(&facts) } else { format!("{}\n{}", table(&facts), table(&rows)) }
}

/// Why a line has failed; empty where it has not.
pub(super) fn error_of(line: &OrderLine) -> String {
    let error = line.render_job_doc.as_ref().filter(|_| line.render_status == RenderStatus::Failed);
    error.and_then(|document| document["error"].as_str()).unwrap_or_default().to_owned()
}

/// How far the lines are: `3/6`, and how many have failed or were cancelled.
fn counts(counts: LineCounts) -> String {
    let LineCounts { total, completed, failed, cancelled, .. } = counts;
    let more = [(failed, "failed"), (cancelled, "cancelled")];
    let more = more.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}"));
    format!("{completed}/{total}{}", more.collect::<String>())
}

/// A time in UTC; empty where there is none.
fn to_the_minute(time: Option<Time>) -> String {
    let text = time.map(|time| time.0.to_string());
    text.and_then(|text| text.get(..16).map(|minutes| format!("{minutes}Z"))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_say_what_went_wrong() {
        let some = LineCounts { total: 6, pending: 0, processing: 1, completed: 3, failed: 2, cancelled: 0 };
        assert_eq!(counts(some), "3/6, 2 failed");
    }
}
