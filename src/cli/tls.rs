//! What connections are encrypted with, and what processes prove themselves to each other with.

use std::path::PathBuf;

use arrakis::tls::{ClientTlsFiles, Tls, TlsFiles};
use clap::Args;

use super::failure::Result;

/// Files of PEM for those who ask this process; without them connections are not encrypted.
#[derive(Debug, Args)]
pub(crate) struct Shown {
    /// The certificate of this process, and those up to its authority, read again as they change
    #[arg(
        id = "tls_certificate",
        long = "tls-certificate",
        value_name = "FILE",
        env = "ARRAKIS_TLS_CERTIFICATE",
        requires = "tls_key"
    )]
    certificate: Option<PathBuf>,
    /// The private key of the certificate
    #[arg(
        id = "tls_key",
        long = "tls-key",
        value_name = "FILE",
        env = "ARRAKIS_TLS_KEY",
        requires = "tls_certificate"
    )]
    key: Option<PathBuf>,
    /// The authorities of certificates that whoever asks must show
    #[arg(
        id = "tls_client_ca",
        long = "tls-client-ca",
        value_name = "FILE",
        env = "ARRAKIS_TLS_CLIENT_CA",
        requires = "tls_certificate"
    )]
    client_ca: Option<PathBuf>,
}

impl Shown {
    /// What is in the files, where there are some.
    ///
    /// # Errors
    /// `tls.*`.
    pub(crate) fn read(&self) -> Result<Option<Tls>> {
        let Some((certificate, key)) = self.certificate.clone().zip(self.key.clone()) else { return Ok(None) };
        Ok(Some(Tls::read(TlsFiles { certificate, key, client_ca: self.client_ca.clone() })?))
    }
}

/// Files of PEM for asking other processes of the deployment.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// The authorities of the other processes' certificates
    #[arg(id = "peer_ca", long = "peer-ca", value_name = "FILE", env = "ARRAKIS_PEER_CA")]
    ca: Option<PathBuf>,
    /// The certificate this process shows to others
    #[arg(id = "peer_certificate", long = "peer-certificate", value_name = "FILE", env = "ARRAKIS_PEER_CERTIFICATE", requires_all = ["peer_key", "peer_ca"])]
    certificate: Option<PathBuf>,
    /// The private key of that
    #[arg(
        id = "peer_key",
        long = "peer-key",
        value_name = "FILE",
        env = "ARRAKIS_PEER_KEY",
        requires = "peer_certificate"
    )]
    key: Option<PathBuf>,
}

impl Trust {
    /// The files, where there are some.
    pub(crate) fn files(&self) -> Option<ClientTlsFiles> {
        let (certificate, key) = (self.certificate.clone(), self.key.clone());
        self.ca.clone().map(|ca| ClientTlsFiles { ca, certificate, key })
    }
}
