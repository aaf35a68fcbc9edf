//! How the connection for notifications is secured: as `sslmode` and `sslrootcert` of the address say.
//!
//! All other connections are libpq's, which reads the same parameters and more (PostgreSQL's documentation, 32.19).
//! Where a connection for notifications cannot be had, changes of other servers are looked for in the database: with
//! a certificate of the client, the system's roots, several hosts, or a name that the certificate does not have.

use std::{fs, sync::Arc};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use super::StoreError;

/// Whether a connection is encrypted.
pub(super) enum Tls {
    /// It is not.
    Off,
    /// It is, or may be: the configuration says which.
    On(MakeRustlsConnect),
}

/// What [`Config`] understands of libpq's parameters, apart from those that are read here.
const KNOWN: [&str; 7] = ["host", "hostaddr", "port", "user", "password", "dbname", "options"];

/// The configuration of an address, and how its connections are secured.
pub(super) fn read(address: &str) -> Result<(Config, Tls), StoreError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Notifications(error);
    let mut url = Url::parse(address).map_err(|error| failed(error.into()))?;
    let given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let parameter =
        |name: &str| given.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    // Not as a form, where a plus is a blank.
    let encoded = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let known = given.iter().filter(|(name, _)| KNOWN.contains(&name.as_str()));
    let known: Vec<String> = known.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    url.set_query((!known.is_empty()).then(|| known.join("&")).as_deref());
    let mut config: Config =
        url.as_str().parse().map_err(|error: tokio_postgres::Error| failed(error.into()))?;
    let mode = parameter("sslmode").unwrap_or("prefer");
    let tls = match mode {
        "disable" | "allow" => {
            config.ssl_mode(SslMode::Disable);
            return Ok((config, Tls::Off));
        }
        "prefer" => {
            config.ssl_mode(SslMode::Prefer);
            unverified()
        }
        // As libpq does: with the root given, a certificate that is not its own is refused.
        "require" if parameter("sslrootcert").is_none() => {
            config.ssl_mode(SslMode::Require);
            unverified()
        }
        _ => {
            config.ssl_mode(SslMode::Require);
            verified(parameter("sslrootcert")).map_err(failed)?
        }
    };
    Ok((config, Tls::On(MakeRustlsConnect::new(tls))))
}

fn verified(root: Option<&str>) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let file = root.filter(|root| *root != "system");
    let file = file.ok_or("sslmode asks for a certificate to be checked: sslrootcert has to name a file")?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&fs::read(file)?) {
        roots.add(certificate?)?;
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn unverified() -> ClientConfig {
    let provider = Arc::clone(CryptoProvider::get_default().expect("it is installed at the start"));
    let verifier = Arc::new(AnyCertificate(provider));
    ClientConfig::builder().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
}

/// Accepts every certificate: `sslmode=require` asks for encryption alone, and not for whom it talks to.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
