//! Looking at a heap: totals, every chunk in address order, and the full check.

mod check;
mod totals;
mod walk;

pub use check::{Fault, FaultKind};
pub use totals::Totals;
pub use walk::{ChunkView, Chunks, FreeView, SpanView, Spans};
