//! What a walk tells of directories, and of what could not be read.

use std::ffi::CStr;

use rustix::io::Errno;

use super::{Event, Failed, Look, Sink, Totals, Tree};

impl Tree {
    /// Tells of a directory if that is due: whether it was; `None` if it is not to be walked.
    pub(super) fn tell_directory(&mut self, name: &CStr, look: &Look, sink: &mut impl Sink) -> Option<bool> {
        let inode = self.listing.is_once_only(true, look.links).then_some(look.inode);
        if inode.is_none() && self.levels.len() + self.above > self.listing.depth {
            return Some(false);
        }
        self.flush(sink);
        sink.tell(Event::Enter { name: name.to_bytes(), inode, origin: look.origin, totals: look.totals })
            .then_some(true)
    }

    /// Counts a directory without its entries, and says why they are missing.
    pub(super) fn count_unread(&mut self, name: &CStr, look: &Look, errno: Errno, sink: &mut impl Sink) {
        if let Some(told) = self.tell_directory(name, look, sink) {
            self.leave_unread(name, told, look, errno, sink);
        }
    }

    pub(super) fn leave_unread(
        &mut self,
        name: &CStr,
        told: bool,
        look: &Look,
        errno: Errno,
        sink: &mut impl Sink,
    ) {
        if told {
            if !self.has_vanished(errno) {
                let errno = errno.raw_os_error().unsigned_abs();
                sink.tell(Event::Trouble { failed: Failed::ReadDirectory, errno, name: b"" });
            }
            sink.tell(Event::Leave);
        } else {
            self.below.add(&look.totals);
            self.trouble((Failed::ReadDirectory, errno), name, sink);
        }
    }

    /// Says that the entry `name` of the current directory (if empty: that directory) could not be read; not if it has
    /// vanished, for then there is nothing to count.
    pub(super) fn trouble(&mut self, (failed, errno): (Failed, Errno), name: &CStr, sink: &mut impl Sink) {
        if !self.has_vanished(errno) {
            self.say(failed, errno.raw_os_error().unsigned_abs(), name, sink);
        }
    }

    /// Whether an error says that something has vanished since it was met; an operand was only named.
    fn has_vanished(&self, errno: Errno) -> bool {
        errno == Errno::NOENT && self.levels.len() > 0
    }

    pub(super) fn say(&mut self, failed: Failed, errno: u32, name: &CStr, sink: &mut impl Sink) {
        self.tell_way(sink);
        sink.tell(Event::Trouble { failed, errno, name: name.to_bytes() });
    }

    /// Tells of the current directory and those above it if that has not been done.
    fn tell_way(&mut self, sink: &mut impl Sink) {
        self.flush(sink);
        for depth in self.levels.told()..self.levels.len() {
            let Some(level) = self.levels.get_mut(depth) else { return };
            level.told = true;
            let (_, name, _) = self.entries.at(level.name);
            sink.tell(Event::Enter {
                name: name.to_bytes(),
                inode: None,
                origin: None,
                totals: Totals::NONE,
            });
        }
    }
}
