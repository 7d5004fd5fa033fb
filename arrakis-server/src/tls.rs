//! TLS 1.2 and 1.3, with certificates that are read again while a process runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use arrakis_core::{Error, Result};
use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::RootCertStore;
#[cfg(feature = "gateway")]
use tokio_rustls::rustls::client::ClientConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ServerConfig, WebPkiClientVerifier};

/// What a server proves itself with, in files of PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Its certificate, and those up to its authority.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
    /// The authorities whose certificates clients must show; they need none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
}

/// What a client trusts, and proves itself with, in files of PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientTlsFiles {
    /// The authorities of servers: no others are trusted.
    pub ca: PathBuf,
    /// Its certificate, where servers want one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The private key of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// What a server proves itself with. Cheap to clone: clones are read again together.
#[derive(Clone)]
pub struct Tls {
    inner: Arc<Inner>,
}

struct Inner {
    files: TlsFiles,
    /// What is in force, and the hash of what it was read from.
    current: RwLock<(Arc<ServerConfig>, blake3::Hash)>,
}

impl Tls {
    /// Reads what is in files.
    ///
    /// # Errors
    /// `tls.unreadable`, `tls.certificate`, `tls.key`, with the file.
    pub fn read(files: TlsFiles) -> Result<Self> {
        let current = RwLock::new(server(&files)?);
        Ok(Self { inner: Arc::new(Inner { files, current }) })
    }

    /// Reads the files again, for connections from now on; whether they had changed. What cannot be used leaves in force what is.
    ///
    /// # Errors
    /// As [`Tls::read`].
    pub fn read_again(&self) -> Result<bool> {
        let next = server(&self.inner.files)?;
        let mut current = self.inner.current.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = current.1 != next.1;
        if is_other {
            *current = next;
        }
        Ok(is_other)
    }

    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.inner.current.read().unwrap_or_else(PoisonError::into_inner).0)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.inner.files).finish_non_exhaustive()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn server(files: &TlsFiles) -> Result<(Arc<ServerConfig>, blake3::Hash)> {
    let mut hasher = blake3::Hasher::new();
    let (chain, key) = (read(&files.certificate)?, read(&files.key)?);
    hasher.update(&chain).update(&key);
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| Error::internal("tls.versions", "no version of TLS is there").caused_by(e))?;
    let builder = match &files.client_ca {
        Some(file) => {
            let pem = read(file)?;
            hasher.update(&pem);
            let roots = Arc::new(roots(file, &pem)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            builder.with_client_cert_verifier(verifier.map_err(unusable("tls.certificate", file))?)
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) = (certificates(&files.certificate, &chain)?, private_key(&files.key, &key)?);
    let mut config = builder.with_single_cert(chain, key).map_err(unusable("tls.key", &files.key))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(config), hasher.finalize()))
}

/// What a client is to trust and prove itself with; it trusts nobody without files.
#[cfg(feature = "gateway")]
pub(crate) fn client(files: Option<&ClientTlsFiles>) -> Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| Error::internal("tls.versions", "no version of TLS is there").caused_by(e))?;
    let Some(files) = files else {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    };
    let builder = builder.with_root_certificates(roots(&files.ca, &read(&files.ca)?)?);
    match (&files.certificate, &files.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate, &read(certificate)?)?;
            let private = private_key(key, &read(key)?)?;
            builder.with_client_auth_cert(chain, private).map_err(unusable("tls.key", key))
        }
        _ => Err(Error::invalid("tls.key", "a certificate and its key are given together")),
    }
}

/// What another process of the deployment is asked with.
pub(crate) fn trusting(builder: reqwest::ClientBuilder, files: &ClientTlsFiles) -> Result<reqwest::ClientBuilder> {
    let pem = read(&files.ca)?;
    let mut builder = builder.tls_built_in_root_certs(false).https_only(true);
    for authority in reqwest::Certificate::from_pem_bundle(&pem).map_err(unusable("tls.certificate", &files.ca))? {
        builder = builder.add_root_certificate(authority);
    }
    match (&files.certificate, &files.key) {
        (None, None) => Ok(builder),
        (Some(certificate), Some(key)) => {
            let both = [read(certificate)?, read(key)?].concat();
            Ok(builder.identity(reqwest::Identity::from_pem(&both).map_err(unusable("tls.key", key))?))
        }
        _ => Err(Error::invalid("tls.key", "a certificate and its key are given together")),
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let unreadable = |e| {
        let unreadable = Error::invalid("tls.unreadable", "the file cannot be read");
        unreadable.with("file", file.display()).caused_by(e)
    };
    std::fs::read(file).map_err(unreadable)
}

fn certificates(file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(unusable("tls.certificate", file))?;
    if chain.is_empty() {
        return Err(Error::invalid("tls.certificate", "the file has no certificate").with("file", file.display()));
    }
    Ok(chain)
}

fn private_key(file: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).map_err(unusable("tls.key", file))
}

fn roots(file: &Path, pem: &[u8]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(file, pem)? {
        roots.add(authority).map_err(unusable("tls.certificate", file))?;
    }
    Ok(roots)
}

/// A file that is no use, and why, which shows nothing of a key.
fn unusable<E: std::error::Error + Send + Sync + 'static>(code: &'static str, file: &Path) -> impl FnOnce(E) -> Error {
    move |error| Error::invalid(code, "the file cannot be used").with("file", file.display()).caused_by(error)
}
