//! What goes over the pipe: pieces of segments, each written at once.

use rustix::fd::BorrowedFd;
use rustix::pipe::PIPE_BUF;

use super::super::census::Inodes;
use super::super::pipe::{ReadBuffer, send};
use super::event::Event;
use super::tree::Sink;

/// Bytes before the events: the segment, the length of all, and the slot of the process if it tells no more.
const HEAD: usize = 10;

/// No slot.
const GOES_ON: u32 = u32::MAX;

/// A worker's sink: fills packets with events.
pub(super) struct PipeSink<'a> {
    segment: u32,
    /// What had been met before all that is walked now.
    met: &'a Inodes,
    writer: BorrowedFd<'a>,
    packet: [u8; PIPE_BUF],
    filled: usize,
}

impl<'a> PipeSink<'a> {
    pub(super) fn new(segment: u32, met: &'a Inodes, writer: BorrowedFd<'a>) -> Self {
        Self { segment, met, writer, packet: [0; PIPE_BUF], filled: HEAD }
    }

    /// Makes it the sink of another segment; nothing may wait to be sent.
    pub(super) fn start_segment(&mut self, segment: u32) {
        self.segment = segment;
    }

    /// Sends what has been told but not sent.
    pub(super) fn flush(&mut self) {
        if self.filled > HEAD {
            self.send(GOES_ON);
        }
    }

    /// Sends the rest, and that the process of this slot is done.
    pub(super) fn finish(&mut self, slot: u32) {
        self.send(slot);
    }

    /// Sends a packet. Ends the process if nobody can read it any more.
    fn send(&mut self, slot: u32) {
        let (head, _) = self.packet.split_at_mut(HEAD);
        head[..4].copy_from_slice(&self.segment.to_ne_bytes());
        head[4..6].copy_from_slice(&(self.filled as u16).to_ne_bytes());
        head[6..].copy_from_slice(&slot.to_ne_bytes());
        let Some(packet) = self.packet.get(..self.filled) else { return };
        send(self.writer, packet);
        self.filled = HEAD;
    }

    fn append(&mut self, event: &Event<'_>) -> Option<()> {
        self.filled += event.encode(self.packet.get_mut(self.filled..)?)?;
        Some(())
    }
}

impl Sink for PipeSink<'_> {
    fn tell(&mut self, event: Event<'_>) -> bool {
        if let Event::Enter { inode: Some(inode), .. } | Event::File { inode: Some(inode), .. } = event
            && self.met.contains(inode)
        {
            return false;
        }
        if self.append(&event).is_none() {
            self.flush();
            self.append(&event);
        }
        true
    }
}

/// One packet.
pub(super) struct Packet<'a> {
    pub(super) segment: u32,
    pub(super) told: &'a [u8],
    /// The slot of the process, if it tells no more.
    pub(super) end: Option<u32>,
}

/// Takes the next whole packet out of what has been read.
pub(super) fn next_packet(buffer: &mut ReadBuffer) -> Option<Packet<'_>> {
    let [a, b, c, d, low, high, slot @ ..] = *buffer.left().first_chunk::<HEAD>()?;
    let packet = buffer.take(usize::from(u16::from_ne_bytes([low, high])))?;
    let (segment, slot) = (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes(slot));
    Some(Packet { segment, told: packet.get(HEAD..)?, end: (slot != GOES_ON).then_some(slot) })
}

#[cfg(test)]
mod tests {
    use rustix::event::Timespec;
    use rustix::fd::AsFd;

    use super::super::super::inode::Inode;
    use super::super::super::pipe::Pipe;
    use super::super::totals::Totals;
    use super::*;

    #[test]
    fn events_come_out_as_they_went_in_over_many_packets() {
        const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let (pipe, met) = (Pipe::new().unwrap(), Inodes::default());
        let names: Vec<_> = (0..2000).map(|at| vec![b'n'; at % 256]).collect();
        let mut sink = PipeSink::new(7, &met, pipe.writer.as_fd());
        let (mut buffer, mut read, mut ended) = (ReadBuffer::new(), 0, None);
        for (at, name) in names.iter().enumerate() {
            sink.tell(Event::Enter { name, inode: None, origin: None, totals: Totals::NONE });
            if at % 50 == 49 {
                sink.finish(3);
                while pipe.wait(&NOW) {
                    buffer.fill(&pipe);
                    while let Some(Packet { segment, mut told, end }) = next_packet(&mut buffer) {
                        while let Some(event) = Event::decode(&mut told) {
                            assert_eq!(
                                event,
                                Event::Enter {
                                    name: &names[read],
                                    inode: None,
                                    origin: None,
                                    totals: Totals::NONE
                                }
                            );
                            read += 1;
                        }
                        (ended, _) = (end, assert_eq!(segment, 7));
                    }
                }
            }
        }
        assert_eq!((read, ended), (2000, Some(3)));
    }

    #[test]
    fn what_has_been_met_is_not_told() {
        let (pipe, mut met) = (Pipe::new().unwrap(), Inodes::default());
        let directory = Inode { dev: 1, ino: 2 };
        met.insert(directory);
        let mut sink = PipeSink::new(7, &met, pipe.writer.as_fd());
        assert!(!sink.tell(Event::Enter {
            name: b"d",
            inode: Some(directory),
            origin: None,
            totals: Totals::NONE
        }));
        assert_eq!(sink.filled, HEAD);
    }
}
