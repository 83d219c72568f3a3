//! Where a walk leaves what it finds.

use std::ffi::CStr;

use super::census::Census;
use super::inode::Inode;
use super::record::{PlaceId, Record};

/// Takes what a walk has to say, in this process or through the pipe.
pub(super) trait Sink {
    /// What was counted before this walk began.
    fn census(&self) -> &Census;

    /// Takes one record.
    fn put(&mut self, record: Record<'_>);

    /// Names the directory `name` of `parent` for the records to come.
    fn announce(&mut self, parent: PlaceId, inode: Inode, name: &CStr) -> PlaceId;
}
