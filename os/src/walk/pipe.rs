//! The pipe over which all children report: writes of whole records, each atomic.

use std::ffi::CStr;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::{self, Errno};
use rustix::pipe::{PIPE_BUF, PipeFlags, pipe_with};

use super::census::Census;
use super::inode::Inode;
use super::record::{PlaceId, Record};
use super::sink::Sink;
use crate::fork::leave;

/// Bytes that one read takes at most.
const READ: usize = 16 * 1024;

/// The parent's end of the pipe, and the end that its children inherit.
pub(super) struct Pipe {
    pub(super) reader: OwnedFd,
    pub(super) writer: OwnedFd,
}

impl Pipe {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok(Self { reader, writer })
    }

    /// Closes a child's copy of the reading end: else no child would notice that the parent, the last reader, is gone.
    ///
    /// # Safety
    /// This process is a child that leaves without unwinding, so that the owner is never dropped, and nothing in it reads.
    pub(super) unsafe fn close_reader(&self) {
        // SAFETY: as the caller says.
        unsafe { io::close(self.reader.as_raw_fd()) };
    }

    /// Waits until there is something to read, or the time is up; says whether there is.
    pub(super) fn wait(&self, timeout: &Timespec) -> bool {
        let mut fds = [PollFd::new(&self.reader, PollFlags::IN)];
        // A signal cuts the wait short, which does no harm: the caller comes back.
        poll(&mut fds, Some(timeout)).is_ok_and(|ready| ready > 0)
    }
}

/// What has been read from the pipe and not been taken yet.
pub(super) struct ReadBuffer {
    bytes: Vec<u8>,
    taken: usize,
}

impl ReadBuffer {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(READ + PIPE_BUF), taken: 0 }
    }

    /// Reads what the pipe holds, up to [`READ`] bytes; blocks if that is nothing.
    pub(super) fn fill(&mut self, pipe: &Pipe) {
        // Less than one record is left, so that all of `READ` bytes have room behind it.
        self.bytes.drain(..self.taken);
        self.taken = 0;
        // This process holds a writer too: there is no end of file, and no failure but to be interrupted.
        let _ = io::read(&pipe.reader, spare_capacity(&mut self.bytes));
    }

    /// Takes the next whole record and its worker.
    pub(super) fn next(&mut self) -> Option<(u32, Record<'_>)> {
        let (worker, record, rest) = Record::decode(&self.bytes[self.taken..])?;
        self.taken = self.bytes.len() - rest.len();
        Some((worker, record))
    }

    /// What has not been taken yet.
    pub(super) fn left(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Takes the next `len` bytes, if there are so many.
    pub(super) fn take(&mut self, len: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.taken..self.taken + len)?;
        self.taken += len;
        Some(taken)
    }
}

/// Writes what is no longer than `PIPE_BUF`, at once. Ends the process if nobody can read it any more.
pub(super) fn send(writer: BorrowedFd<'_>, bytes: &[u8]) {
    loop {
        match io::write(writer, bytes) {
            Err(Errno::INTR) => {}
            Ok(written) if written == bytes.len() => return,
            _ => leave(1),
        }
    }
}

/// A worker's sink: fills writes with records.
pub(super) struct PipeSink<'a> {
    worker: u32,
    /// How many places it has announced.
    places: u32,
    census: &'a Census,
    writer: BorrowedFd<'a>,
    write: [u8; PIPE_BUF],
    filled: usize,
}

impl<'a> PipeSink<'a> {
    pub(super) fn new(worker: u32, census: &'a Census, pipe: &'a Pipe) -> Self {
        Self { worker, places: 0, census, writer: pipe.writer.as_fd(), write: [0; PIPE_BUF], filled: 0 }
    }

    /// Makes it another worker's sink; nothing may wait to be sent.
    pub(super) fn become_worker(&mut self, worker: u32) {
        self.worker = worker;
        self.places = 0;
    }

    /// Sends what has been put but not sent. Ends the process if nobody can read it any more.
    pub(super) fn flush(&mut self) {
        let Some(full) = self.write.get(..self.filled).filter(|full| !full.is_empty()) else { return };
        send(self.writer, full);
        self.filled = 0;
    }

    fn append(&mut self, record: &Record<'_>) -> Option<()> {
        let room = self.write.get_mut(self.filled..)?;
        self.filled += record.encode(self.worker, room)?;
        Some(())
    }
}

impl Sink for PipeSink<'_> {
    fn census(&self) -> &Census {
        self.census
    }

    fn put(&mut self, record: Record<'_>) {
        if self.append(&record).is_none() {
            self.flush();
            self.append(&record);
        }
    }

    fn announce(&mut self, parent: PlaceId, inode: Inode, name: &CStr) -> PlaceId {
        self.put(Record::Place { parent, inode, name: name.to_bytes() });
        let place = PlaceId { worker: self.worker, number: self.places };
        self.places = self.places.wrapping_add(1);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    #[test]
    fn records_come_out_as_they_went_in_over_many_writes_and_reads() {
        let pipe = Pipe::new().unwrap();
        let census = Census::default();
        let name = [b'n'; 255];
        let link = |number: u32| Record::Link {
            place: PlaceId { worker: 1, number },
            inode: Inode::default(),
            name: &name[..number as usize % 256],
        };
        let mut buffer = ReadBuffer::new();
        let mut read = 0;
        let mut sink = PipeSink::new(7, &census, &pipe);
        for number in 0..10_000 {
            sink.put(link(number));
            if number % 100 == 99 {
                sink.flush();
                while pipe.wait(&NOW) {
                    buffer.fill(&pipe);
                    while let Some((worker, record)) = buffer.next() {
                        assert_eq!((worker, record), (7, link(read)));
                        read += 1;
                    }
                }
            }
        }
        assert_eq!(read, 10_000);
    }
}
