//! What is wrong with a free.

use core::fmt;

/// Why a pointer could not be freed. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FreeError {
    /// No span of this heap holds the address.
    NotOurs,
    /// The address lies in a span, but no block starts there: inside a block in use, not at a granule's multiple, or
    /// in what the heap keeps for itself.
    NotAStart,
    /// The memory there is free already.
    AlreadyFree,
    /// The block there has another size than the layout says.
    WrongSize,
}

impl fmt::Display for FreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOurs => "the address is not of this heap",
            Self::NotAStart => "no block starts at the address",
            Self::AlreadyFree => "the memory at the address is free already",
            Self::WrongSize => "the block at the address has another size",
        })
    }
}

impl core::error::Error for FreeError {}
