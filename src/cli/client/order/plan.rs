//! What the service has of what somebody wants to order, and what has to be made: every fault before anything is.

use std::collections::HashMap;

use packshot::error::Fault;
use packshot_contract::client::{Client, ClientError};
use packshot_contract::output_type::OutputType;
use packshot_contract::product::Product;
use packshot_domain::hash::ContentAddress;
use packshot_domain::order::OrderNumber;
use uuid::Uuid;

use super::names::for_each;
use super::wish::{CadInput, WantedProduct, Wish};

/// What becomes of a product.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// It is there as it is needed.
    Keep(Uuid),
    /// It is there, and gets this file.
    Give(Uuid, CadInput),
    /// It is made.
    Make(CadInput),
}

/// How an order is made.
#[derive(Debug)]
pub(super) struct Plan {
    /// What becomes of each product, by `pim_id`, with its name where it is made.
    pub(super) products: Vec<(String, Option<String>, Step)>,
    /// The lines, in their order: `pim_id` and output type.
    pub(super) lines: Vec<(String, Uuid)>,
    /// What is wrong, that of the wish included.
    pub(super) faults: Vec<Fault>,
}

impl Plan {
    /// Compares a wish with what the service has. `replaces` says whether products get another file.
    pub(super) async fn of(client: &Client, wish: Wish, replaces: bool) -> Result<Self, ClientError> {
        let mut plan = Self { products: Vec::new(), lines: Vec::new(), faults: wish.faults };
        let output_types = client.output_types().await?;
        for line in &wish.lines {
            match find(&output_types, &line.output_type) {
                Some(output_type) => plan.lines.push((line.pim_id.clone(), output_type.id)),
                None => plan.faults.push(no_output_type(&output_types, &line.output_type, &line.at)),
            }
        }
        let known = known(client, wish.products.keys()).await?;
        // What is wrong with the file of a product is known: that the service lacks it says no more.
        for (pim_id, wanted) in wish.products.into_iter().filter(|(pim_id, _)| !wish.broken.contains(pim_id)) {
            match step(&pim_id, &wanted, known.get(&pim_id), replaces) {
                Ok(step) => plan.products.push((pim_id, wanted.name, step)),
                Err(fault) => plan.faults.push(fault),
            }
        }
        plan.check_size(client, wish.lines.len()).await?;
        // A number that cannot be one is a fault of the wish already, and the service would not look for it.
        if let Some(number) = wish.number.filter(|number| number.parse::<OrderNumber>().is_ok())
            && client.order_with_number(&number).await?.is_some()
        {
            let fault = Fault::new("sheet.number_exists", format!("there is an order `{number}` already"));
            let help = "give another number, or none: then it gets the next one of the year";
            plan.faults.push(fault.at("order_number").help(help));
        }
        Ok(plan)
    }

    async fn check_size(&mut self, client: &Client, n_lines: usize) -> Result<(), ClientError> {
        let max = match client.tenant_config().await {
            Ok(config) => config.max_order_size,
            // Who may make orders need not see the configuration; the service counts the lines itself.
            Err(ClientError::Refused { problem, .. }) if problem.status == 403 => return Ok(()),
            Err(error) => return Err(error),
        };
        if n_lines > max as usize {
            let message = format!("{n_lines} lines, and an order of this tenant has at most {max}");
            let help = "divide it into several orders, or ask an admin of the tenant to raise `max_order_size`";
            self.faults.push(Fault::new("sheet.too_large", message).at("lines").help(help));
        }
        Ok(())
    }
}

/// The output type with a name or an id.
fn find<'t>(output_types: &'t [OutputType], named: &str) -> Option<&'t OutputType> {
    let of_name = output_types.iter().find(|output_type| output_type.name == named);
    of_name.or_else(|| output_types.iter().find(|output_type| output_type.id.to_string() == named))
}

fn no_output_type(output_types: &[OutputType], named: &str, at: &str) -> Fault {
    let near = packshot_words::nearest(named, output_types.iter().map(|output_type| output_type.name.as_str()));
    let help = match (near, output_types.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, true) => "there are none yet: an admin of the tenant makes them (POST /api/v1/output-types)".to_owned(),
        (None, false) => {
            let names: Vec<_> =
                output_types.iter().take(12).map(|output_type| format!("`{}`", output_type.name)).collect();
            format!("name one that there is, such as {}", names.join(", "))
        }
    };
    Fault::new("sheet.output_type_not_found", format!("there is no output type `{named}`")).at(at).help(help)
}

/// A product of the service, and what its file is, where it has one.
type Known = (Product, Option<ContentAddress>);

/// The products that the service has of these.
async fn known(client: &Client, pim_ids: impl Iterator<Item = &String>) -> Result<HashMap<String, Known>, ClientError> {
    let found = for_each(client, pim_ids.cloned().collect(), |client, pim_id| async move {
        let Some(product) = client.product_with_pim_id(&pim_id).await? else { return Ok(None) };
        let address = match product.cad_file_id {
            Some(file) => Some(client.cad_file(file).await?.file_hash.0),
            None => None,
        };
        Ok(Some((pim_id, (product, address))))
    });
    Ok(found.await?.into_iter().flatten().collect())
}

/// What becomes of a product.
fn step(pim_id: &str, wanted: &WantedProduct, known: Option<&Known>, replaces: bool) -> Result<Step, Fault> {
    let fault =
        |code: &str, message: String, help: &str| Err(Fault::new(code, message).at(wanted.at.clone()).help(help));
    match (known, &wanted.file) {
        (None, None) => {
            let help = "check it, or give the GLB to make it from in the column `file`";
            fault("sheet.product_not_found", format!("there is no product `{pim_id}`"), help)
        }
        (None, Some(file)) => Ok(Step::Make(file.clone())),
        (Some((product, Some(_))), None) => Ok(Step::Keep(product.id)),
        (Some((_, None)), None) => {
            let help = "give the GLB that it is rendered from in the column `file`";
            fault("sheet.missing", format!("the product `{pim_id}` has no CAD file"), help)
        }
        (Some((product, address)), Some(file)) => match address {
            Some(address) if *address == file.address => Ok(Step::Keep(product.id)),
            Some(_) if !replaces => {
                let message = format!("the product `{pim_id}` has another CAD file than {}", file.path.display());
                let help = "leave the file out, or give the product this one with --replace-files";
                fault("sheet.file_differs", message, help)
            }
            _ => Ok(Step::Give(product.id, file.clone())),
        },
    }
}
