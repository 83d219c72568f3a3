//! What heaps do, as their users see it. It is one program, as its parts compile the same heaps over the same sources, which
//! takes most of its time.
#![cfg(not(loom))]

mod aligned;
mod asked;
mod check;
mod coalesce;
mod endless;
mod gather;
mod local;
mod order;
mod pieces;
mod reallocate;
mod release;
mod remote;
mod soon;
mod spans;
mod waiting;
mod wilderness;
mod zeroed;
#[path = "../model/zeros.rs"]
mod zeros;
