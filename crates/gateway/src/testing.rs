//! What the unit tests of this crate share.

use bailiwick_domain::entropy::Entropy;

/// Random numbers as the machine has them.
pub(crate) struct Dice;

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}
