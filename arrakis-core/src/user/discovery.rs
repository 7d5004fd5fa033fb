//! What who verifies access tokens finds its way by.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Where the keys are, under the address of the issuer.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Who issues access tokens and where the keys are that verify them (`OpenID` Connect Discovery 1.0 §3, RFC 8414 §2), for a verifier that is given nothing
/// but the issuer. There is no endpoint to authorize at and no type of response or grant, for nobody logs in by `OAuth` here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Discovery {
    /// Who issues them: their claim `iss`.
    pub issuer: String,
    /// Where the keys are.
    pub jwks_uri: String,
    /// The algorithms they are signed by.
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// Whether a user is called the same towards everyone.
    pub subject_types_supported: Vec<String>,
    /// The claims there are.
    pub claims_supported: Vec<String>,
    /// None.
    pub response_types_supported: Vec<String>,
    /// None.
    pub grant_types_supported: Vec<String>,
}

impl Discovery {
    /// That of an issuer.
    ///
    /// # Errors
    /// `auth.issuer` for an issuer that is no address, where nobody can look.
    pub fn of(issuer: &str) -> Result<Self> {
        let rest = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
        let is_address = |rest: &str| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', ' ']);
        if !rest.is_some_and(is_address) {
            return Err(Error::not_found("auth.issuer", "the issuer of access tokens is a name and no address"));
        }
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Ok(Self {
            issuer: issuer.to_owned(),
            jwks_uri: format!("{}{JWKS_PATH}", issuer.trim_end_matches('/')),
            id_token_signing_alg_values_supported: texts(&["EdDSA"]),
            subject_types_supported: texts(&["public"]),
            claims_supported: texts(&[
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "nbf",
                "jti",
                "tid",
                "sid",
                "client_id",
                "seq",
                "auth_time",
                "amr",
            ]),
            response_types_supported: Vec::new(),
            grant_types_supported: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_is_an_address_is_found() {
        for issuer in ["https://id.example", "https://id.example/", "http://localhost:7117"] {
            let found = Discovery::of(issuer).unwrap();
            assert_eq!(found.jwks_uri, format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')));
            assert_eq!(found.issuer, issuer, "it is told as tokens have it");
        }
        for bad in ["arrakis", "https://", "https:///x", "https://id.example?x", "https://id.example#x", "ftp://x", ""]
        {
            assert_eq!(Discovery::of(bad).unwrap_err().code(), "auth.issuer", "{bad}");
        }
    }
}
