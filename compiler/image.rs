//! A checked stack as compact bytes, and back: what the build embeds, so that no run parses the standard library.
//!
//! In: a [`Stack`]. Out: bytes that only the compiler that wrote them reads: the stack, then its surfaces, which are not
//! copied.
//! Invariant: `decode(encode(stack)) == stack`.

use crate::schema::{Packed, Stack};

/// The bytes of a stack.
///
/// # Errors
/// Where the format cannot say a value; no stack that was loaded holds one.
pub fn encode(stack: &Stack) -> Result<Vec<u8>, postcard::Error> {
    let surfaces: Vec<&[u8]> = stack.surfaces.iter().map(Packed::bytes).collect();
    postcard::to_allocvec(&(stack, surfaces))
}

/// The stack of some bytes, which lie in the program.
///
/// # Errors
/// Where the bytes were not written by [`encode`] of this compiler.
pub fn decode(bytes: &'static [u8]) -> Result<Stack, postcard::Error> {
    let (mut stack, surfaces): (Stack, Vec<&'static [u8]>) = postcard::from_bytes(bytes)?;
    stack.surfaces.iter_mut().zip(surfaces).for_each(|(surface, bytes)| surface.lie_at(bytes));
    Ok(stack)
}
