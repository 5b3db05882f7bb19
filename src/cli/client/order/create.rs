//! `packshot client order create`: an order of the lines of a sheet, or of a folder of GLBs.
//!
//! Everything is checked first: nothing is uploaded or made while a row is wrong.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use packshot::error::Fault;
use packshot_contract::client::{Client, ClientError};
use packshot_contract::order::{Order, OrderLineRequest, OrderRequest};
use packshot_contract::product::ProductRequest;
use packshot_domain::hash::ContentAddress;
use packshot_domain::order::{Notes, OrderNumber};
use uuid::Uuid;

use super::super::super::console;
use super::super::super::failure::{Exit, Failure};
use super::super::super::files::{self, InputKind};
use super::super::ServiceArgs;
use super::bar::StepBar;
use super::plan::{Plan, Step};
use super::watch::{self, AndThen};
use super::wish::{CadInput, Wish};
use super::{act, counted};

/// Arguments of `client order create`.
#[derive(Args, Debug)]
#[command(after_help = "\
The first row of a sheet names its columns, and every other row is a line of the order:
  pim_id        the product, by its pim_id
  file          its GLB, relative to the sheet: a product that is not there is made of it
  output_type   what is made of it, by the name of an output type
  name          what a product is called that is made
  order_number, notes   of the order, in any row

Example: packshot client order create --folder parts/ --output-type Front --submit")]
pub(crate) struct CreateArgs {
    /// A sheet with a row for each line, .csv or .xlsx
    #[arg(required_unless_present = "folder", conflicts_with = "folder")]
    sheet: Option<PathBuf>,
    /// A folder of GLBs instead: each is a product, with its name as pim_id
    #[arg(long, value_name = "DIR", requires = "output_type")]
    folder: Option<PathBuf>,
    /// What is made of each product, by the name of an output type: of a folder, and of rows that name none; repeatable
    #[arg(long, value_name = "NAME")]
    output_type: Vec<String>,
    /// Number of the order; if absent, the next one of the year
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// What is noted on the order
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
    /// Give products the files of this order where they have others
    #[arg(long)]
    replace_files: bool,
    /// Hand it over at once
    #[arg(long, help_heading = "And then")]
    submit: bool,
    /// Have its lines rendered at once
    #[arg(long, help_heading = "And then")]
    dispatch: bool,
    #[command(flatten, next_help_heading = "And then")]
    and_then: AndThen,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: &CreateArgs, quiet: bool) -> Result<(), Failure> {
    let client = args.service.client()?;
    let says = args.service.says(quiet);
    let wish = wish(args)?;
    let (number, notes, n_products) = (wish.number.clone(), wish.notes.clone(), wish.products.len());
    let wrong = |faults: Vec<Fault>| Failure { exit: Exit::Input, faults };
    let found = wish.faults.clone();
    let plan = match Plan::of(&client, wish, args.replace_files).await {
        Ok(plan) => plan,
        // What is wrong with the files is known without the service.
        Err(_) if !found.is_empty() => return Err(wrong(found)),
        Err(error) => return Err(error.into()),
    };
    if !plan.faults.is_empty() {
        return Err(wrong(plan.faults));
    }
    let lines = make_products(&client, plan, says, quiet).await?;
    let new = OrderRequest { order_number: number, notes, lines: Some(lines) };
    let order = client.create_order(&new).await.map_err(not_made)?;
    if says {
        let (lines, products) =
            (counted(order.lines.len(), "line", "lines"), counted(n_products, "product", "products"));
        console::note(&format!(
            "made: order {}, {lines} of {products} ({})",
            order.summary.order_number, order.summary.id
        ));
    }
    if !args.service.json {
        files::print(format!("{}\n", order.summary.order_number).as_bytes())?;
    }
    let refused = match handed_on(&client, &order, args, says).await {
        Ok(refused) => refused,
        Err(failure) => {
            let number = order.summary.order_number.clone();
            if args.service.json {
                // The order is there. Asked for once: it may be the service itself that has failed.
                let now = client.patient_for(Duration::ZERO).order(order.summary.id).await;
                files::print_json(&now.unwrap_or(order))?;
            }
            return Err(failure.at_option(&number));
        }
    };
    if args.and_then.follows() {
        return act::both(refused, watch::and_then(&client, &order, &args.and_then, &args.service, quiet).await);
    }
    if args.service.json {
        files::print_json(&client.order(order.summary.id).await?)?;
    }
    refused
}

/// Hands an order over and has it rendered, as far as that is asked for: a failure that names the lines that were
/// refused.
async fn handed_on(
    client: &Client,
    order: &Order,
    args: &CreateArgs,
    says: bool,
) -> Result<Result<(), Failure>, Failure> {
    if args.submit {
        act::submitted(client, order, &args.service).await?;
    }
    if !args.dispatch {
        return Ok(Ok(()));
    }
    let (_, refused) = act::dispatched(client, order, &args.service, says).await?;
    Ok(refused)
}

/// What is wanted: of the sheet or the folder, and of the options.
fn wish(args: &CreateArgs) -> Result<Wish, Failure> {
    let mut wish = match (&args.sheet, &args.folder) {
        (Some(sheet), _) => Wish::of_sheet(sheet, &args.output_type)?,
        (None, folder) => Wish::of_folder(folder.as_deref().unwrap_or(std::path::Path::new(".")), &args.output_type)?,
    };
    for (option, own, of_sheet) in
        [("--number", &args.number, &mut wish.number), ("--notes", &args.notes, &mut wish.notes)]
    {
        if let (Some(own), Some(of_sheet)) = (own, &of_sheet)
            && own != of_sheet
        {
            let fault = Fault::new("sheet.conflict", format!("`{own}` here, and `{of_sheet}` in the sheet"));
            wish.faults.push(fault.at(option).help("leave out one of the two"));
        }
        *of_sheet = own.clone().or(of_sheet.take());
    }
    // The service would refuse them only when everything is uploaded.
    let number = wish.number.as_ref().and_then(|text| Some(text.parse::<OrderNumber>().err()?.to_string()));
    let notes = wish.notes.as_ref().and_then(|text| Some(text.parse::<Notes>().err()?.to_string()));
    let at_number = if args.number.is_some() { "--number" } else { "order_number" };
    let at_notes = if args.notes.is_some() { "--notes" } else { "notes" };
    for (at, message) in [(at_number, number), (at_notes, notes)] {
        let fault =
            |message: String| Fault::new("sheet.invalid_value", message).at(at).help("correct it, or leave it out");
        wish.faults.extend(message.map(fault));
    }
    Ok(wish)
}

/// Uploads the files that are needed, each content once, makes the products that are not there, and gives the lines.
async fn make_products(client: &Client, plan: Plan, says: bool, quiet: bool) -> Result<Vec<OrderLineRequest>, Failure> {
    let needed = plan.products.iter().filter_map(|(_, _, step)| match step {
        Step::Keep(_) => None,
        Step::Give(_, file) | Step::Make(file) => Some(file),
    });
    let (uploaded, n_files) = upload(client, needed, quiet).await?;
    let (mut products, mut n_made, mut n_given) = (HashMap::new(), 0, 0);
    for (pim_id, name, step) in plan.products {
        let id = match step {
            Step::Keep(product) => product,
            Step::Give(product, file) => {
                n_given += 1;
                client.set_cad_file(product, uploaded[&file.address]).await?.id
            }
            Step::Make(file) => {
                n_made += 1;
                let new = ProductRequest {
                    name: name.unwrap_or_else(|| pim_id.clone()),
                    pim_id: pim_id.clone(),
                    category_key: None,
                    lagertyp: None,
                    cad_file_id: Some(uploaded[&file.address]),
                    cad_part_materials: None,
                };
                client.create_product(&new).await.map_err(|error| Failure::from(error).at_option(&pim_id))?.id
            }
        };
        products.insert(pim_id, id);
    }
    if says && n_files > 0 {
        let (files, made) = (counted(n_files, "file", "files"), counted(n_made, "product", "products"));
        let given = if n_given > 0 { format!(", gave {n_given} another file") } else { String::new() };
        console::note(&format!("uploaded {files}, made {made}{given}"));
    }
    let line =
        |(pim_id, output_type_id): (String, Uuid)| OrderLineRequest { product_id: products[&pim_id], output_type_id };
    Ok(plan.lines.into_iter().map(line).collect())
}

/// Uploads files, each content once; all that are refused are named together.
async fn upload(
    client: &Client,
    needed: impl Iterator<Item = &CadInput>,
    quiet: bool,
) -> Result<(HashMap<ContentAddress, Uuid>, usize), Failure> {
    let mut files: Vec<&CadInput> = needed.collect();
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.address));
    let bar = StepBar::new("uploading", files.len() as u64, quiet);
    let (mut ids, mut refused) = (HashMap::new(), Vec::new());
    for (i, file) in files.iter().enumerate() {
        let place = file.path.display().to_string();
        bar.show(i as u64, &place);
        let bytes = files::read(&file.path, InputKind::Cad)?.into();
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        match client.upload_cad_file(&name, &bytes).await {
            Ok(cad_file) => drop(ids.insert(file.address, cad_file.id)),
            Err(error @ ClientError::Refused { .. }) if is_of_file(&error) => {
                refused.push(Failure::from(error).at_option(&place));
            }
            Err(error) => return Err(Failure::from(error).at_option(&place)),
        }
    }
    let n = ids.len();
    Failure::of_all(refused).map_or(Ok((ids, n)), Err)
}

/// Whether a refusal is about the file that was sent, so that the others may still be taken.
fn is_of_file(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { problem, .. } if matches!(problem.status, 413 | 422))
}

/// An order that could not be made, though all of it was checked.
fn not_made(error: ClientError) -> Failure {
    let may_pass = error.may_pass();
    let failure = Failure::from(error);
    match may_pass {
        true => super::super::going_on::with_help(
            failure,
            "see with `packshot client order list` whether it was made before you repeat the command",
        ),
        false => failure,
    }
}
