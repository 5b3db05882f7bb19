//! O30: orders do what their table says, whatever is tried with them and in whatever order.

use packshot_db::orders::{self, NewLine, NewOrder, OrderRef, WholeOrder};
use packshot_db::{DbError, TenantScope, output_types, products};
use packshot_domain::audit::Actor;
use packshot_domain::change::Change;
use packshot_domain::id::{CadFileId, OrderId, OrderLineId, OutputTypeId, ProductId};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::order::{OrderChange, OrderRefusal, OrderStatus};
use packshot_domain::output_type::{OutputKind, RenderBackend, RolloutGate};
use packshot_domain::product::{PartEntries, ProductFields};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::engine::Fixture;

/// Lines of an order in these tests, at most.
const LINES_MAX: usize = 3;

/// Something that is tried.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    Edit,
    AddLine,
    RemoveLine,
    Submit,
    Reject,
    Resubmit,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    use Attempt as A;
    let attempt = prop_oneof![
        1 => Just(A::Edit),
        3 => Just(A::AddLine),
        1 => Just(A::RemoveLine),
        3 => Just(A::Submit),
        2 => Just(A::Reject),
        2 => Just(A::Resubmit),
    ];
    prop::collection::vec(attempt, 5..25)
}

/// What an order should be.
#[derive(Debug)]
struct Expected {
    status: OrderStatus,
    lines: usize,
    line_status: RenderStatus,
    submission_no: u32,
    history: Vec<(OrderStatus, OrderStatus)>,
}

impl Expected {
    /// Makes a change, if the table and the lines allow it; says whether they do.
    fn attempt(&mut self, attempt: Attempt) -> bool {
        let change = match attempt {
            Attempt::Edit | Attempt::AddLine | Attempt::RemoveLine => OrderChange::Edit,
            Attempt::Submit => OrderChange::Submit,
            Attempt::Reject => OrderChange::Reject,
            Attempt::Resubmit => OrderChange::Resubmit,
        };
        let Ok(next) = self.status.next(change) else { return false };
        match attempt {
            Attempt::AddLine if self.lines == LINES_MAX => return false,
            Attempt::RemoveLine | Attempt::Submit if self.lines == 0 => return false,
            Attempt::AddLine => self.lines += 1,
            Attempt::RemoveLine => self.lines -= 1,
            Attempt::Submit => self.submission_no += 1,
            Attempt::Reject => self.line_status = RenderStatus::Cancelled,
            Attempt::Resubmit => self.line_status = RenderStatus::Pending,
            Attempt::Edit => {}
        }
        if next != self.status {
            self.history.push((self.status, next));
        }
        self.status = next;
        true
    }
}

pub(crate) struct Shop<'t> {
    t: &'t Fixture,
    product: ProductId,
    output_type: OutputTypeId,
}

impl<'t> Shop<'t> {
    pub(crate) async fn open(t: &'t Fixture) -> Self {
        Self::open_in(t, t.scope, None).await
    }

    /// The same in a tenant, with a CAD file of the product.
    pub(crate) async fn open_in(t: &'t Fixture, scope: TenantScope, cad_file: Option<CadFileId>) -> Self {
        let label = |text: &str| text.parse().expect("a label");
        let (product, output_type) = (ProductId::new(), OutputTypeId::new());
        let fields = ProductFields {
            pim_id: label("6204"),
            name: label("Lager"),
            category_key: None,
            lagertyp: None,
            cad_file,
            thumbnail: None,
            parts: PartEntries::default(),
        };
        products::create(&t.db, scope, Actor::system(), product, fields).await.expect("a product");
        let fields = output_types::OutputTypeFields {
            legacy_executor: None,
            workflow: None,
            name: label("Front"),
            kind: OutputKind::Still,
            render_backend: RenderBackend::Auto,
            render_settings: json!({}),
            rollout_gate: RolloutGate::default(),
            max_unmapped: None,
        };
        output_types::create(&t.db, scope, Actor::system(), output_type, fields).await.expect("an output type");
        Self { t, product, output_type }
    }

    pub(crate) fn line(&self) -> NewLine {
        NewLine { id: OrderLineId::new(), product: self.product, output_type: self.output_type }
    }

    async fn order(&self) -> WholeOrder {
        let new = NewOrder {
            id: OrderId::new(),
            number: None,
            notes: None,
            lines: Vec::new(),
            lines_max: LINES_MAX,
            created_by: self.t.user,
        };
        orders::create(&self.t.db, self.t.scope, Actor::system(), new).await.expect("an order")
    }

    async fn attempt(&self, of: OrderRef, attempt: Attempt) -> Result<(), DbError> {
        let (db, scope, by) = (&self.t.db, self.t.scope, Actor::system());
        match attempt {
            Attempt::Edit => {
                let notes = Change::Set("changed".parse().expect("notes"));
                orders::edit(db, scope, of, None, notes).await.map(drop)
            }
            Attempt::AddLine => orders::add_line(db, scope, of, self.line(), LINES_MAX).await.map(drop),
            Attempt::RemoveLine => {
                let order = orders::get(db, scope, of).await?;
                let line = order.lines.last().map_or_else(OrderLineId::new, |line| line.id);
                orders::remove_line(db, scope, of, line).await
            }
            Attempt::Submit => orders::submit(db, scope, by, of).await.map(drop),
            Attempt::Reject => {
                let why = ("because".parse().expect("a reason"), true);
                orders::reject(db, scope, by, of, why).await.map(drop)
            }
            Attempt::Resubmit => orders::resubmit(db, scope, by, of).await.map(drop),
        }
    }
}

pub(crate) async fn o30_orders_do_what_their_table_says(t: Fixture) {
    let shop = Shop::open(&t).await;
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..20 {
        let attempts = attempts().new_tree(&mut runner).expect("attempts").current();
        let of = OrderRef { id: shop.order().await.order.id, owner: None };
        let mut expected = Expected {
            status: OrderStatus::Draft,
            lines: 0,
            line_status: RenderStatus::Pending,
            submission_no: 0,
            history: Vec::new(),
        };
        for attempt in &attempts {
            let before = orders::get(&t.db, t.scope, of).await.expect("the order");
            let done = shop.attempt(of, *attempt).await;
            assert_eq!(done.is_ok(), expected.attempt(*attempt), "{attempt:?} of {attempts:?}: {done:?}");
            let WholeOrder { order, lines } = orders::get(&t.db, t.scope, of).await.expect("the order");
            if let Err(refused) = done {
                assert!(matches!(refused, DbError::Order(_) | DbError::NotFound("order line")), "{refused:?}");
                assert_eq!((&order, &lines), (&before.order, &before.lines), "a refused attempt changes nothing");
            }
            assert_eq!((order.status, lines.len()), (expected.status, expected.lines), "{attempts:?}");
            assert_eq!(order.submission_no, expected.submission_no);
            assert!(lines.iter().all(|line| line.status == expected.line_status), "{lines:?}");
            assert_eq!(order.rejected_at.is_some(), expected.status == OrderStatus::Rejected);
        }
        let history = orders::history(&t.db, t.scope, of).await.expect("the history");
        assert_eq!(history.iter().map(|change| (change.from, change.to)).collect::<Vec<_>>(), expected.history);
    }
}

pub(crate) async fn o18_o35_limits_and_empty_orders_are_refused(t: Fixture) {
    let shop = Shop::open(&t).await;
    let of = OrderRef { id: shop.order().await.order.id, owner: None };
    let empty = shop.attempt(of, Attempt::Submit).await;
    assert!(matches!(empty, Err(DbError::Order(OrderRefusal::Empty))), "{empty:?}");
    for _ in 0..LINES_MAX {
        shop.attempt(of, Attempt::AddLine).await.expect("a line");
    }
    let full = shop.attempt(of, Attempt::AddLine).await;
    assert!(matches!(full, Err(DbError::Order(OrderRefusal::TooLarge { max: LINES_MAX }))), "{full:?}");
    let foreign = OrderRef { owner: Some(packshot_domain::id::UserId::new()), ..of };
    let hidden = shop.attempt(foreign, Attempt::Edit).await;
    assert!(matches!(hidden, Err(DbError::NotFound("order"))), "{hidden:?}");
    let unknown = NewLine { product: ProductId::new(), ..shop.line() };
    let refused = orders::add_line(&t.db, t.scope, of, unknown, 10).await;
    assert!(matches!(refused, Err(DbError::Order(OrderRefusal::NoProduct { line: 0 }))), "{refused:?}");
}
