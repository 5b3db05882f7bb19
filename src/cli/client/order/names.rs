//! What people call the lines of an order: their product and their output type.

use std::collections::HashMap;

use packshot_contract::client::{Client, ClientError};
use packshot_contract::order::{Order, OrderLine};
use tokio::task::{JoinError, JoinSet};
use uuid::Uuid;

/// Requests at the same time.
const AT_ONCE: usize = 8;

/// Products by their `pim_id`, output types by their name.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    products: HashMap<Uuid, String>,
    output_types: HashMap<Uuid, String>,
}

impl Names {
    /// The names of everything that these lines are of.
    pub(super) async fn of<'a>(
        client: &Client,
        lines: impl IntoIterator<Item = &'a OrderLine>,
    ) -> Result<Self, ClientError> {
        let (mut products, mut output_types) = (Vec::new(), Vec::new());
        for line in lines {
            products.push(line.product_id);
            output_types.push(line.output_type_id);
        }
        let products =
            for_each(
                client,
                distinct(products),
                |client, id| async move { Ok((id, client.product(id).await?.pim_id)) },
            );
        let output_types = for_each(client, distinct(output_types), |client, id| async move {
            Ok((id, client.output_type(id).await?.name))
        });
        let (products, output_types) = (products.await?, output_types.await?);
        Ok(Self { products: products.into_iter().collect(), output_types: output_types.into_iter().collect() })
    }

    /// The names of all lines of an order.
    pub(super) async fn of_order(client: &Client, order: &Order) -> Result<Self, ClientError> {
        Self::of(client, &order.lines).await
    }

    /// The product of a line.
    pub(super) fn product(&self, line: &OrderLine) -> &str {
        self.products.get(&line.product_id).map_or("", String::as_str)
    }

    /// The output type of a line.
    pub(super) fn output_type(&self, line: &OrderLine) -> &str {
        self.output_types.get(&line.output_type_id).map_or("", String::as_str)
    }

    /// A line as people call it; by its id where its names are not known.
    pub(super) fn line(&self, line: &OrderLine) -> String {
        match (self.product(line), self.output_type(line)) {
            ("", _) | (_, "") => line.id.to_string(),
            (product, output_type) => format!("{product}, {output_type}"),
        }
    }
}

fn distinct(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Asks the service for each of several things, some of them at the same time.
pub(super) async fn for_each<T: Send + 'static, R: Send + 'static, F>(
    client: &Client,
    things: Vec<T>,
    ask: impl Fn(Client, T) -> F,
) -> Result<Vec<R>, ClientError>
where
    F: Future<Output = Result<R, ClientError>> + Send + 'static,
{
    let (mut asked, mut answers) = (JoinSet::new(), Vec::new());
    for thing in things {
        if asked.len() >= AT_ONCE
            && let Some(answer) = asked.join_next().await
        {
            answers.push(outcome(answer)?);
        }
        asked.spawn(ask(client.clone(), thing));
    }
    while let Some(answer) = asked.join_next().await {
        answers.push(outcome(answer)?);
    }
    Ok(answers)
}

/// What a task gave. None is cancelled while it is waited for, so that one without an outcome has panicked.
fn outcome<R>(joined: Result<R, JoinError>) -> R {
    joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
