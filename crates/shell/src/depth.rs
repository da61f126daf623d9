//! Room on the stack for what nests: commands in functions, expansions in words, parentheses in arithmetic.
//!
//! A future's frames lie on the stack of whoever polls it, and a runtime's worker has 2 MB. Deep recursion goes on in a segment of its own,
//! given back when the poll returns.

use crate::session::BoxFuture;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A new segment is taken when less than this is left, in bytes: one level's frames in a debug build, several times over.
const LEFT_BYTES_MIN: usize = 256 * 1024;

/// A segment's size in bytes.
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;

/// Calls a function with room on the stack.
pub(crate) fn with_room<T>(call: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(LEFT_BYTES_MIN, SEGMENT_BYTES, call)
}

/// A future that is polled with room on the stack.
pub(crate) struct Roomy<'a, T>(BoxFuture<'a, T>);

impl<'a, T> Roomy<'a, T> {
    pub fn boxed(future: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T>
    where
        T: 'a,
    {
        Box::pin(Roomy(Box::pin(future)))
    }
}

impl<T> Future for Roomy<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        with_room(|| self.0.as_mut().poll(cx))
    }
}
