//! The registry of artifacts with its bytes: killed at any moment, and damaged. Numbers are small here; `scripts/soak`
//! asks for more by the variables that the tests name.

/// Makes two tests of each case: `sqlite::name` and `postgres::name`.
macro_rules! cases {
    ($($(#[doc = $doc:literal])* async fn $name:ident($engine:ident) $body:block)+) => {
        $($(#[doc = $doc])* async fn $name($engine: crate::stage::TestDatabase) $body)+

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::stage::TestDatabase::Sqlite).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(engine) = crate::stage::TestDatabase::postgres() {
                        super::$name(engine).await;
                    }
                }
            )+
        }
    };
}

mod damage;
mod kills;
mod reading;
mod stage;

/// A number that `scripts/soak` sets by a variable, or the small one that every run uses.
fn count(variable: &str, small: u32) -> u32 {
    std::env::var(variable).map_or(small, |n| n.parse().expect("a number"))
}
