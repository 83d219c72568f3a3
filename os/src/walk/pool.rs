//! The forked children: never more than the bound, each waited for by its own process id.

use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::fd::AsRawFd;
use rustix::io::{self, Errno};
use rustix::process::{Pid, Signal, WaitOptions, getpid, getppid, set_parent_process_death_signal, waitpid};

use super::ledger::{Fate, Ledger};
use super::pipe::{Inbox, Pipe, PipeSink};
use super::record::Record;
use super::sink::Sink;
use super::tree::Tree;
use crate::fork::{fork, leave};

/// How often children are looked after that have not reported their end.
const LOOK: Duration = Duration::from_millis(100);
const LOOK_TIMEOUT: Timespec = Timespec { tv_sec: 0, tv_nsec: LOOK.as_nanos() as _ };
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

struct Child {
    pid: Pid,
    task: u32,
    /// How it ended, if it has been seen to be dead before its last record was read.
    fate: Option<Fate>,
}

/// The children of one walker, and their pipe.
pub(super) struct Pool {
    jobs: usize,
    alive: Vec<Child>,
    /// Made for the first child, and used for all.
    pipe: Option<(Pipe, Inbox)>,
    last_look: Instant,
}

impl Pool {
    pub(super) fn new(jobs: usize) -> Self {
        Self { jobs, alive: Vec::new(), pipe: None, last_look: Instant::now() }
    }

    /// Waits until one more child may be alive, taking in what the others report.
    pub(super) fn wait_for_slot(&mut self, ledger: &mut Ledger) {
        while self.alive.len() >= self.jobs {
            self.attend(ledger);
        }
    }

    /// Waits until no child is alive, taking in what they report.
    pub(super) fn finish(&mut self, ledger: &mut Ledger) {
        while !self.alive.is_empty() {
            self.attend(ledger);
        }
    }

    /// Forks a child that walks the pending sub-directory of `tree`; an error says that there can be no child now.
    pub(super) fn spawn(&mut self, task: u32, tree: &mut Tree, ledger: &Ledger) -> io::Result<()> {
        let pipe = match &self.pipe {
            Some((pipe, _)) => pipe,
            None => &self.pipe.insert((Pipe::new()?, Inbox::new())).0,
        };
        self.alive.reserve(1);
        let parent = getpid();
        // SAFETY: the child walks with system calls on memory that only this thread uses: `tree` and `ledger` are borrowed,
        // and `Tree::walk_pending` and `PipeSink` neither allocate nor lock.
        let pid = unsafe { fork(|| work(task, tree, ledger, pipe, parent)) }?;
        self.alive.push(Child { pid, task, fate: None });
        Ok(())
    }

    /// Waits for something to happen, and takes it in.
    fn attend(&mut self, ledger: &mut Ledger) {
        if self.wait(&LOOK_TIMEOUT) {
            self.receive(ledger);
        }
        // A child may die without a word, while the others keep the pipe busy or silent.
        if self.last_look.elapsed() >= LOOK {
            self.look_for_dead(ledger);
            self.last_look = Instant::now();
        }
    }

    fn wait(&self, timeout: &Timespec) -> bool {
        self.pipe.as_ref().is_some_and(|(pipe, _)| pipe.wait(timeout))
    }

    fn receive(&mut self, ledger: &mut Ledger) {
        let Some((pipe, inbox)) = &mut self.pipe else { return };
        inbox.fill(pipe);
        while let Some((task, record)) = inbox.next() {
            if record == Record::End {
                release(&mut self.alive, task);
            } else {
                ledger.accept(task, &record);
            }
        }
    }

    /// Finds the children that have died before they reported their end, and reports that.
    fn look_for_dead(&mut self, ledger: &mut Ledger) {
        for child in &mut self.alive {
            child.fate = wait_for(child.pid, WaitOptions::NOHANG);
        }
        if self.alive.iter().all(|child| child.fate.is_none()) {
            return;
        }
        // What they wrote before they died is in the pipe, perhaps their end too.
        while self.wait(&NOW) {
            self.receive(ledger);
        }
        for child in self.alive.extract_if(.., |child| child.fate.is_some()) {
            ledger.lose(child.task, child.fate.unwrap_or(Fate::Unknown));
        }
    }
}

/// The child's whole life.
fn work(task: u32, tree: &mut Tree, ledger: &Ledger, pipe: &Pipe, parent: Pid) {
    // SAFETY: this closes the child's copy, which nothing in the child uses, and whose owner is never dropped here, since
    // the child leaves without unwinding. Without it no child would notice that the parent, the last reader, is gone.
    unsafe { io::close(pipe.reader.as_raw_fd()) };
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != Some(parent) {
        leave(1); // The parent died before it could be asked for.
    }
    let mut sink = PipeSink::new(task, ledger.census(), pipe);
    tree.walk_pending(&mut sink);
    sink.put(Record::End);
    sink.flush();
}

/// Takes a child that has reported its end off the list, and waits for it to be gone.
fn release(alive: &mut Vec<Child>, task: u32) {
    let Some(at) = alive.iter().position(|child| child.task == task) else { return };
    let child = alive.swap_remove(at);
    if child.fate.is_none() {
        wait_for(child.pid, WaitOptions::empty());
    }
}

/// How the child ended; `None` if it has not.
fn wait_for(pid: Pid, options: WaitOptions) -> Option<Fate> {
    loop {
        match waitpid(Some(pid), options) {
            Err(Errno::INTR) => {}
            Ok(Some((_, status))) => {
                let signal = status.terminating_signal().map(Fate::Killed);
                return Some(signal.or(status.exit_status().map(Fate::Exited)).unwrap_or(Fate::Unknown));
            }
            Ok(None) => return None,
            // Somebody else has waited for it, or it is reaped by itself because SIGCHLD is ignored.
            Err(_) => return Some(Fate::Unknown),
        }
    }
}
