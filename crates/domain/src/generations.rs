//! A map that forgets: two generations, of which the older one goes when the younger is full.

use std::collections::HashMap;
use std::hash::Hash;

/// What was kept lately, by key: between `half` and twice as many entries, once there were as many.
#[derive(Debug)]
pub struct Generations<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    /// An empty map that begins to forget after `half` entries.
    pub fn new(half: usize) -> Self {
        Self { half: half.max(1), young: HashMap::new(), old: HashMap::new() }
    }

    /// What is kept under that key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Keeps `value` under that key, in place of what was there.
    pub fn keep(&mut self, key: K, value: V) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets what is kept under that key.
    pub fn forget(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Forgets whatever `stays` does not hold for.
    pub fn retain(&mut self, mut stays: impl FnMut(&K, &mut V) -> bool) {
        self.young.retain(&mut stays);
        self.old.retain(&mut stays);
    }

    /// How many entries there are; one that was kept again may count twice.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_the_oldest_forgotten() {
        let mut kept = Generations::new(2);
        for n in 0..5 {
            kept.keep(n, n * 10);
        }
        assert_eq!((0..5).filter_map(|n| kept.get(&n).copied()).collect::<Vec<_>>(), [20, 30, 40]);
        assert_eq!(kept.len(), 3);
        kept.forget(&3);
        assert_eq!(kept.get(&3), None);
        kept.retain(|key, _| *key == 2);
        assert_eq!((kept.get(&2), kept.len()), (Some(&20), 1));
    }

    #[test]
    fn what_is_kept_again_is_the_new_one() {
        let mut kept = Generations::new(1);
        kept.keep("a", 1);
        kept.keep("a", 2);
        assert_eq!(kept.get(&"a"), Some(&2));
    }
}
