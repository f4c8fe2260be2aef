//! Chance that repeats itself, for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::entropy::Entropy;

/// Bytes that differ with every draw and are the same in every run.
#[derive(Debug, Default)]
pub struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let draw = self.0.fetch_add(1, Ordering::Relaxed);
            for (to, from) in chunk.iter_mut().zip(crate::text::sha256(&draw.to_be_bytes())) {
                *to = from;
            }
        }
    }
}
