//! What has come back and is not taken in yet.

use core::ptr::NonNull;

use super::Inbox;
use crate::span::Section;

/// Entries of maps in which blocks were freed from elsewhere, as an inbox had them: those of one section after the other.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Sections that were taken out of the inbox.
    sections: Option<NonNull<Section>>,
    /// The section that is looked through.
    section: Option<NonNull<Section>>,
    /// Its words of noted bits that are still to be taken, a bit each.
    words: usize,
    /// The word that was taken last, and what is left of its bits.
    word: usize,
    noted: usize,
}

impl Arrivals {
    /// Nothing.
    pub const fn new() -> Self {
        Self { sections: None, section: None, words: 0, word: 0, noted: 0 }
    }

    /// Whether nothing is left.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.sections.is_none() && self.words | self.noted == 0
    }

    /// The next entry that has posted blocks: the first byte of its span's block, and its index. What is `inbox` comes when
    /// nothing else is left. O(1).
    ///
    /// # Safety
    /// The heap whose inbox it is, and whose alone all calls' is, is the caller's. The blocks of the entries before were
    /// taken in.
    #[inline]
    pub unsafe fn next(&mut self, inbox: &Inbox) -> Option<(NonNull<u8>, usize)> {
        // SAFETY: a span stays as long as blocks of it are noted.
        unsafe {
            while self.noted == 0 {
                self.find_noted(inbox)?;
            }
            let bit = self.noted.trailing_zeros() as usize;
            self.noted &= self.noted - 1;
            let section = self.section?.as_ref();
            Some((section.span(), section.entry(self.word, bit)))
        }
    }

    /// Takes the next word of noted bits, if there is one.
    ///
    /// # Safety
    /// As for [`next`](Self::next).
    unsafe fn find_noted(&mut self, inbox: &Inbox) -> Option<()> {
        // SAFETY: as there.
        unsafe {
            while self.words == 0 {
                self.find_filled(inbox)?;
            }
            self.word = self.words.trailing_zeros() as usize;
            self.words &= self.words - 1;
            self.noted = self.section?.as_ref().take_noted(self.word);
        }
        Some(())
    }

    /// Takes the next section, if there is one.
    ///
    /// # Safety
    /// As for [`next`](Self::next).
    unsafe fn find_filled(&mut self, inbox: &Inbox) -> Option<()> {
        if self.sections.is_none() && !inbox.is_empty() {
            self.sections = inbox.take();
        }
        let section = self.sections?;
        // SAFETY: as there. Once its filled bits are taken, the section may be put in anew, with another next one.
        unsafe {
            self.sections = section.as_ref().next().get();
            self.words = section.as_ref().take_filled();
        }
        self.section = Some(section);
        Some(())
    }

    /// The first byte of the block whose span is being looked through, if any is.
    pub(crate) fn span(&self) -> Option<NonNull<u8>> {
        if self.words | self.noted == 0 {
            return None;
        }
        // SAFETY: a span stays as long as blocks of it are noted.
        self.section.map(|section| unsafe { section.as_ref() }.span())
    }
}
