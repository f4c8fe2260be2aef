//! What the store promises, on every engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on has failed")]
#![expect(unreachable_pub, reason = "a test binary has no outside")]

/// Runs each promise on SQLite, and on PostgreSQL where there is one, in a database of its own.
macro_rules! on_every_engine {
    ($($promise:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    super::$promise(&crate::world::World::sqlite()).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    if let Some(world) = crate::world::World::postgres().await {
                        super::$promise(&world).await;
                        world.remove().await;
                    }
                }
            )+
        }
    };
}

mod accounts;
mod audit;
mod codes;
mod connections;
mod families;
mod feed;
mod grants;
mod identities;
mod jobs;
mod keys;
mod opening;
mod people;
mod recovery;
mod replay;
mod secrets;
mod signals;
mod standing;
mod stops;
mod storm;
mod sweep;
mod tamper;
mod tickets;
mod trees;
mod vault;
mod world;

#[cfg(feature = "mutants")]
mod mutants;
