//! A set of small numbers.

/// A set of primitives of one catalog, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits(Box<[u64]>);

impl Bits {
    /// The empty set, with room for the members `0..size`.
    pub(crate) fn with_size(size: usize) -> Self {
        Bits(vec![0; size.div_ceil(64)].into_boxed_slice())
    }

    /// Adds a member; one beyond the size is ignored.
    pub(crate) fn insert(&mut self, member: u32) {
        if let Some(word) = self.0.get_mut(member as usize / 64) {
            *word |= 1 << (member % 64);
        }
    }

    /// Whether it is a member.
    pub(crate) fn contains(&self, member: u32) -> bool {
        self.0.get(member as usize / 64).is_some_and(|word| word & (1 << (member % 64)) != 0)
    }

    /// Whether the two share a member.
    pub(crate) fn intersects(&self, other: &Bits) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Adds every member of `other`.
    pub(crate) fn union(&mut self, other: &Bits) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a |= b;
        }
    }
}
