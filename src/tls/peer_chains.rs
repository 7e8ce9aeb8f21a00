//! The chains that peers have shown, each kept once for all the connections that use it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::pki_types::CertificateDer;

/// A peer's certificates, its own first.
pub(super) type CertificateChain = Arc<[CertificateDer<'static>]>;

/// How many of the latest chains are compared with the next one: most configurations meet few peers
/// with certificates, or each seldom.
const COMPARED: usize = 16;

/// The latest chains of one configuration that are still in use.
#[derive(Debug, Default)]
pub(super) struct Chains(Mutex<VecDeque<Weak<[CertificateDer<'static>]>>>);

impl Chains {
    /// `chain`, shared with a connection that has the same chain, if any, instead of copied.
    pub(super) fn share(&self, chain: &[CertificateDer<'static>]) -> CertificateChain {
        if chain.is_empty() {
            return CertificateChain::default();
        }
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = latest.iter().filter_map(Weak::upgrade);
        if let Some(known) = known.find(|known| **known == *chain) {
            return known;
        }
        latest.retain(|known| known.strong_count() > 0);
        latest.truncate(COMPARED - 1);
        let new = CertificateChain::from(chain);
        latest.push_front(Arc::downgrade(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(seed: u8) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from(vec![seed; 9]), CertificateDer::from(vec![0; 9])]
    }

    #[test]
    fn a_chain_that_two_connections_have_is_kept_once_and_no_longer_than_they_do() {
        let chains = Chains::default();
        let first = chains.share(&chain(1));
        let other = chains.share(&chain(2));
        let second = chains.share(&chain(1));
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &other));
        assert_eq!(Arc::strong_count(&first), 2);
        let gone = Arc::downgrade(&first);
        drop((first, second));
        assert!(gone.upgrade().is_none());
        assert_eq!(*chains.share(&chain(1)), *chain(1));
        assert!(chains.share(&[]).is_empty());
    }

    #[test]
    fn chains_of_many_peers_do_not_pile_up() {
        let chains = Chains::default();
        let kept: Vec<_> = (0..=u8::MAX).map(|seed| chains.share(&chain(seed))).collect();
        assert_eq!(chains.0.lock().unwrap().len(), COMPARED);
        assert!(Arc::ptr_eq(&kept[255], &chains.share(&chain(255))));
        drop(kept);
        chains.share(&chain(1));
        assert_eq!(chains.0.lock().unwrap().len(), 1);
    }
}
