//! M11, M20, M40: lists of media assets are found by their indexes, and alike on both databases.

use std::time::Duration;

use packshot_db::media::changing::{self, MediaOutcome, MediaRefusal};
use packshot_db::media::list::{self, Start};
use packshot_db::media::{self, AssetFilter, facets};
use packshot_db::testing::TestDatabase;
use packshot_db::testing::media::{
    SeedAsset, SeedOrder, SeedProduct, insert_assets, insert_catalogue, maintain, plans,
};
use packshot_db::{AllTenants, Db, TenantScope, installation};
use packshot_domain::audit::Actor;
use packshot_domain::id::{AssetId, OrderId, OrderLineId, ProductId, UserId};
use packshot_domain::media::search::Query;
use packshot_domain::media::{AssetEvent, AssetOrder, AssetState, AssetType};
use packshot_domain::order::OrderStatus;
use packshot_domain::order::line::RenderStatus;
use packshot_domain::time::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::engine::Fixture;

/// What names are made of.
const PIECES: [&str; 37] = [
    "Axial",
    "Zylinder",
    "rollenlager",
    "Gehäuse",
    "GEHA\u{308}USE",
    "Straße",
    "STRAẞE",
    "größe",
    "Öl",
    "öl",
    "ue",
    "NU205",
    "6205",
    "2RSR",
    "81113",
    "TV",
    "F-81113",
    "81113.2",
    "M8x30",
    "a1b2c3",
    "½",
    "Ⅻ",
    "ﬁlter",
    "подшипник",
    "Подшипник7",
    "轴承座",
    "ベアリング",
    "か\u{3099}",
    "ΣΙΣΥΦΟΣ",
    "σίσυφος",
    "İstanbul",
    "été",
    "naïve",
    "\u{10428}x",
    "🅐b",
    "x²",
    "7",
];
const BETWEEN: [&str; 8] = [" ", "-", ".", "/", "_", "  ", "", "'"];

/// The same catalogue for every database.
#[derive(Debug)]
struct Catalogue {
    products: Vec<SeedProduct>,
    orders: Vec<SeedOrder>,
    assets: Vec<SeedAsset>,
}

fn name(n: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let piece = (prop::sample::select(&PIECES[..]), prop::sample::select(&BETWEEN[..]));
    prop::collection::vec(piece, n).prop_map(|pieces| {
        let text: String = pieces.into_iter().flat_map(|(piece, between)| [piece, between]).collect();
        text.trim().chars().take(200).collect()
    })
}

fn draw<T: std::fmt::Debug>(runner: &mut TestRunner, of: impl Strategy<Value = T>) -> T {
    of.new_tree(runner).expect("a value").current()
}

impl Catalogue {
    fn new(runner: &mut TestRunner, n_products: usize, assets_each: usize) -> Self {
        let label = |text: &str| text.parse().expect("a label");
        let begun = Timestamp::from_unix_ms(1_790_000_000_000);
        let (mut products, mut orders, mut assets) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..n_products {
            let text = draw(runner, name(1..6));
            let pim = draw(runner, "[A-Z]{2,3}-[0-9a-f]{4,8}");
            let (category, kind) = (draw(runner, 0_usize..4), draw(runner, 0_usize..3));
            let product = SeedProduct {
                id: ProductId::new(),
                name: label(if text.is_empty() { "x" } else { &text }),
                pim_id: label(&format!("{pim}-{i}")),
                category_key: ["TRB", "CRB", "größe", ""]
                    .get(category)
                    .filter(|key| !key.is_empty())
                    .map(|key| label(key)),
                lagertyp: ["Axial-Zylinderrollenlager", "Rillenkugellager, offen"].get(kind).map(|kind| label(kind)),
            };
            let order = SeedOrder {
                id: OrderId::new(),
                number: format!("ORD-2026-{i:05}").parse().expect("a number"),
                status: OrderStatus::Completed,
                created_by: UserId::new(),
                line: OrderLineId::new(),
                product: product.id,
                render_status: RenderStatus::ALL[i % RenderStatus::ALL.len()],
            };
            for j in 0..assets_each {
                // Several are of one time: then their ids decide.
                let at = begun + Duration::from_secs((i * assets_each + j) as u64 / 3);
                let of_line = j % 4 != 3;
                assets.push(SeedAsset {
                    id: AssetId::new(),
                    asset_type: AssetType::ALL[(i + j) % 4],
                    file_name: if j % 5 == 0 { format!("Bild {} {i}.png", i % 7) } else { "result.png".to_owned() },
                    size_bytes: (i as i64 * 37) % 101,
                    product: (j % 7 != 6).then_some(product.id),
                    line: of_line.then_some((order.id, order.line, order.render_status)),
                    state: AssetState::ALL[[0, 0, 0, 0, 1, 2][(i + j) % 6]],
                    ..SeedAsset::still(at)
                });
            }
            products.push(product);
            orders.push(order);
        }
        Self { products, orders, assets }
    }

    async fn insert(&self, db: &Db) -> TenantScope {
        let of = installation::get(db, AllTenants::Instance).await.expect("the installation");
        let scope = TenantScope::of(of.operating_tenant);
        let orders = self.orders.iter().map(|order| SeedOrder { created_by: of.local_user, ..order.clone() });
        insert_catalogue(db, scope, self.products.clone(), orders.collect()).await.expect("a catalogue");
        insert_assets(db, scope, self.assets.clone()).await.expect("assets");
        scope
    }
}

/// A query, with some filters now and then.
fn request() -> impl Strategy<Value = (String, Option<AssetType>, AssetOrder, bool)> {
    let part = (name(1..3), 1_usize..12, any::<bool>());
    let part = part.prop_map(|(name, n, is_upper)| {
        let part: String = name.chars().take(n).collect();
        if is_upper { part.to_uppercase() } else { part }
    });
    let words =
        prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(" ").chars().take(200).collect::<String>());
    let of = prop::option::weighted(0.2, prop::sample::select(AssetType::ALL));
    (words, of, prop::sample::select(AssetOrder::ALL), prop::bool::weighted(0.2))
}

#[test]
fn m20_both_databases_find_the_same() {
    let Some(postgres) = TestDatabase::postgres() else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let folder = tempfile::tempdir().expect("a folder");
        let mut runner = TestRunner::deterministic();
        let catalogue = Catalogue::new(&mut runner, 40, 4);
        let mut databases = Vec::new();
        let config = postgres.fresh(folder.path()).await.expect("a database");
        for config in [TestDatabase::Sqlite.fresh(folder.path()).await.expect("a database"), config.clone()] {
            let db = Db::open(&config).await.expect("opened");
            let scope = catalogue.insert(&db).await;
            databases.push((db, scope));
        }
        let (mut n_found, mut n_queries) = (0, 0);
        while n_queries < 520 {
            let (text, of, order, all_states) = draw(&mut runner, request());
            let Ok(query) = text.parse::<Query>() else { continue };
            n_queries += 1;
            let filter = AssetFilter {
                query: Some(query),
                types: of.into_iter().collect(),
                states: if all_states { AssetState::ALL.to_vec() } else { Vec::new() },
                ..AssetFilter::default()
            };
            let mut answers = Vec::new();
            for (db, scope) in &databases {
                let page = list::list(db, *scope, filter.clone(), order, (Start::After(0), 100)).await.expect("a page");
                let counts = match n_queries % 10 {
                    0 => Some(facets::list(db, *scope, filter.clone()).await.expect("facets")),
                    _ => None,
                };
                answers.push((page.items.into_iter().map(|asset| asset.id).collect::<Vec<_>>(), page.total, counts));
            }
            assert_eq!(answers[0], answers[1], "{text:?} {of:?} {order}");
            n_found += u32::from(answers[0].1 > 0);
        }
        assert!(n_found > 150 && n_found < 500, "{n_found} of {n_queries} found something");
        for (db, _) in databases {
            db.close().await;
        }
        postgres.remove(&config).await.expect("removed");
    });
}

/// Lists read their indexes alone; the trial with 100,000 assets is `scripts/measure media`.
pub(crate) async fn m11_lists_read_their_indexes(t: Fixture) {
    Catalogue::new(&mut TestRunner::deterministic(), 60, 5).insert(&t.db).await;
    maintain(&t.config).await.expect("maintained");
    let query = |text: &str| Some(text.parse::<Query>().expect("a query"));
    let label = |text: &str| vec![text.parse().expect("a label")];
    let none = AssetFilter::default;
    for (what, filter) in [
        ("nothing", none()),
        ("a type", AssetFilter { types: vec![AssetType::Still], ..none() }),
        ("a category", AssetFilter { categories: label("TRB"), ..none() }),
        ("a lagertyp", AssetFilter { lagertypen: label("x"), ..none() }),
        ("a state of the line", AssetFilter { render_statuses: vec![RenderStatus::Failed], ..none() }),
        ("words", AssetFilter { query: query("81113 tv"), ..none() }),
        (
            "M01",
            AssetFilter {
                types: vec![AssetType::Still],
                categories: label("TRB"),
                lagertypen: label("Axial-Zylinderrollenlager"),
                render_statuses: vec![RenderStatus::Completed],
                query: query("81113"),
                ..none()
            },
        ),
    ] {
        let has_words = filter.query.is_some();
        let plan = plans(&t.db, t.scope, filter, AssetOrder::Newest).await.expect("plans");
        let is_scanned = plan.contains("SCAN media_assets") || plan.contains("Seq Scan");
        let finds_words = plan.contains("VIRTUAL TABLE INDEX") || plan.contains("media_words");
        assert!(!is_scanned || has_words && !plan.contains("Seq Scan"), "{what}:\n{plan}");
        assert!(plan.contains("idx_media_assets_page") || has_words, "{what}:\n{plan}");
        assert_eq!(finds_words, has_words, "{what}:\n{plan}");
    }
    // A client's list asks once which orders are theirs.
    let own = AssetFilter { owner: Some(UserId::new()), ..none() };
    let plan = plans(&t.db, t.scope, own, AssetOrder::Newest).await.expect("plans");
    assert!(plan.contains("idx_orders_creator") && !plan.contains("CORRELATED"), "{plan}");
    let product = AssetFilter { product: Some(ProductId::new()), ..none() };
    let plan = plans(&t.db, t.scope, product, AssetOrder::Newest).await.expect("plans");
    assert!(plan.contains("idx_media_assets_product"), "{plan}");
    for (order, index) in [(AssetOrder::Name, "idx_media_assets_name"), (AssetOrder::Largest, "idx_media_assets_size")]
    {
        let plan = plans(&t.db, t.scope, none(), order).await.expect("plans");
        assert!(plan.contains(index), "{order}:\n{plan}");
    }
}

/// What is tried with assets, in whatever order: their states follow the table, and what is refused changes nothing.
pub(crate) async fn m40_assets_follow_their_table(t: Fixture) {
    let mut runner = TestRunner::deterministic();
    let assets: Vec<SeedAsset> = (0..24_i64)
        .map(|i| SeedAsset {
            state: AssetState::ALL[usize::try_from(i).expect("small") % 4],
            ..SeedAsset::still(Timestamp::from_unix_ms(1_790_000_000_000 + i))
        })
        .collect();
    insert_assets(&t.db, t.scope, assets.clone()).await.expect("assets");
    let mut states: Vec<AssetState> = assets.iter().map(|asset| asset.state).collect();
    for _ in 0..60 {
        let chosen = draw(&mut runner, prop::collection::btree_set(0..assets.len(), 1..6));
        let event = draw(&mut runner, prop::sample::select(&[AssetEvent::Publish, AssetEvent::Unpublish][..]));
        let ids = chosen.iter().map(|i| assets[*i].id).collect();
        let outcomes = changing::publish(&t.db, t.scope, Actor::system(), ids, event).await.expect("outcomes");
        for (i, (id, outcome)) in chosen.into_iter().zip(outcomes) {
            assert_eq!(id, assets[i].id);
            let expected = match states[i].next(event) {
                Ok(next) => Ok(std::mem::replace(&mut states[i], next) != next),
                Err(_) if states[i] == AssetState::Expired => Err(MediaOutcome::Refused(MediaRefusal::Expired)),
                Err(_) => Err(MediaOutcome::Refused(MediaRefusal::Superseded)),
            };
            assert_eq!(outcome, expected, "{event} of {}", states[i]);
            let now = media::get(&t.db, t.scope, None, id).await.expect("the asset");
            assert_eq!(
                (now.state, now.published_at.is_some() || now.state != AssetState::Published),
                (states[i], true)
            );
        }
    }
}
