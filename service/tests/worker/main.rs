//! Workers: what they compute and keep, and what happens when they stop, hang or die.

/// Makes two tests of each case: `sqlite::name` and `postgres::name`.
macro_rules! cases {
    ($($(#[doc = $doc:literal])* async fn $name:ident($engine:ident) $body:block)+) => {
        $($(#[doc = $doc])* async fn $name($engine: crate::place::TestDatabase) $body)+

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::place::TestDatabase::Sqlite).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(engine) = crate::place::TestDatabase::postgres() {
                        super::$name(engine).await;
                    }
                }
            )+
        }
    };
}

mod engine;
mod graph;
mod lines;
mod made_with;
mod phases;
mod place;
mod process;
mod queue;
mod resume;
mod series;
mod studio;
