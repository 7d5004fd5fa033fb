//! Logging in with another provider (OpenID Connect Core 1.0, authorization code flow): the side that relies on it.
//!
//! What a browser is sent with and comes back with passes through here: proof key (PKCE, RFC 7636, `S256`), state, nonce, and the issuer of the answer
//! (RFC 9207). What comes out is a [`FederatedIdentity`], which the user service links to a user or refuses.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::credential::Secret;
use arrakis_core::user::FederatedIdentity;
use arrakis_core::{Error, ErrorKind, Result};
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::http::{HeaderMap, Response};
use openidconnect::{
    AdditionalProviderMetadata, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, Scope,
    TokenResponse,
};
use serde::{Deserialize, Serialize};

use crate::network::{PublicNames, may_be_asked};

/// How long the provider may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The longest answer of the provider, bytes.
const ANSWER_LEN_MAX: usize = 1_048_576;

/// What is agreed with a provider.
#[derive(Clone, Debug)]
pub struct OidcOptions {
    /// The provider, by its address: `https`, or `http` on this machine itself.
    pub issuer: String,
    /// What it calls this deployment.
    pub client_id: String,
    /// What this deployment proves itself with; `None` for a public client.
    pub client_secret: Option<Secret>,
    /// Where it sends browsers back to, exactly.
    pub redirect_uri: String,
    /// Whether it is believed whose an address is.
    pub is_trusted: bool,
    /// Whether it may be in a private network: else it, and everything it sends us to, is of the internet, or of this machine where the issuer is.
    pub is_private: bool,
}

/// What else the provider says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Answers {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Answers {}

type Metadata = ProviderMetadata<
    Answers,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A provider that was found.
pub struct Oidc {
    options: OidcOptions,
    issuer: IssuerUrl,
    http: reqwest::Client,
    /// Whether only what is of the internet is asked.
    is_public: bool,
}

/// A login on its way: what must be known when the browser comes back, and be kept from everyone until then, as in a sealed cookie.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// What the answer must repeat.
    state: Secret,
    /// What the identity token must repeat.
    nonce: Secret,
    /// What proves that whoever exchanges the code began the login.
    verifier: Secret,
}

/// What the browser brings back.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Answer {
    /// The code to exchange.
    #[serde(default)]
    pub code: Option<Secret>,
    /// What the login began with.
    #[serde(default)]
    pub state: Option<Secret>,
    /// Who answers.
    #[serde(default)]
    pub iss: Option<String>,
    /// Why there is no code.
    #[serde(default)]
    pub error: Option<String>,
}

impl Oidc {
    /// Asks a provider what it offers.
    ///
    /// # Errors
    /// `oidc.issuer` for an address that is none, or `http` elsewhere than on this machine; `oidc.redirect_uri`; `oidc.unavailable`.
    pub async fn discover(options: OidcOptions) -> Result<Self> {
        let malformed = |_| Error::invalid("oidc.issuer", "an issuer is the address of a provider").at("issuer");
        let issuer = IssuerUrl::new(options.issuer.clone()).map_err(malformed)?;
        let url = issuer.url();
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && is_here) {
            return Err(Error::invalid("oidc.issuer", "a provider is spoken to by https").at("issuer"));
        }
        redirect(&options)?;
        let is_public = !options.is_private && !is_here;
        let mut client = reqwest::Client::builder();
        if is_public {
            client = client.dns_resolver(Arc::new(PublicNames));
        }
        let client = client
            // A provider that sends us elsewhere could send us anywhere.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER)
            .build();
        let http = client.map_err(|e| Error::internal("oidc.client", "no HTTP client can be made").caused_by(e))?;
        let oidc = Self { options, issuer, http, is_public };
        oidc.metadata().await?;
        Ok(oidc)
    }

    /// What the provider says of itself now, with its keys.
    async fn metadata(&self) -> Result<Metadata> {
        let ask = |request| self.ask(request);
        Metadata::discover_async(self.issuer.clone(), &ask).await.map_err(|e| {
            Error::unavailable("oidc.unavailable", "the provider does not say what it offers").caused_by(said(&e))
        })
    }

    /// One request to the provider.
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        let request = reqwest::Request::try_from(request)?;
        if self.is_public && !may_be_asked(request.url()) {
            return Err(Unanswered("the address is not of the internet".into()));
        }
        let mut response = self.http.execute(request).await?;
        let (status, headers): (_, HeaderMap) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > ANSWER_LEN_MAX {
                return Err(Unanswered("the answer is too long".into()));
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = Response::new(body);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }

    /// Begins a login: where to send the browser, and what to keep until it comes back.
    ///
    /// # Errors
    /// `oidc.unavailable`.
    pub async fn begin(&self, login_hint: Option<&str>) -> Result<(String, Pending)> {
        let metadata = self.metadata().await?;
        let client =
            CoreClient::from_provider_metadata(metadata, ClientId::new(self.options.client_id.clone()), self.secret())
                .set_redirect_uri(redirect(&self.options)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".into()))
            .set_pkce_challenge(challenge);
        if let Some(hint) = login_hint {
            request = request.add_extra_param("login_hint", hint.to_owned());
        }
        let (url, state, nonce) = request.url();
        let (state, nonce) = (state.secret().as_str().into(), nonce.secret().as_str().into());
        Ok((url.into(), Pending { state, nonce, verifier: verifier.secret().as_str().into() }))
    }

    /// Ends a login, once: who the provider says came back.
    ///
    /// # Errors
    /// `oidc.refused` for an answer that is not the one to what was begun, or that the provider does not stand by; `oidc.unavailable`.
    pub async fn complete(&self, pending: Pending, answer: Answer) -> Result<FederatedIdentity> {
        if let Some(error) = answer.error {
            return Err(refused("the provider refused the login").with("error", error));
        }
        let is_ours =
            |given: &Secret| blake3::hash(given.expose().as_bytes()) == blake3::hash(pending.state.expose().as_bytes());
        if !answer.state.as_ref().is_some_and(is_ours) {
            return Err(refused("the answer is to another login"));
        }
        let metadata = self.metadata().await?;
        let says_who = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match &answer.iss {
            Some(iss) if *iss != self.options.issuer => return Err(refused("the answer is another provider's")),
            None if says_who => return Err(refused("the answer does not say whose it is")),
            _ => {}
        }
        let code = answer.code.ok_or_else(|| refused("the answer has no code"))?;
        let client =
            CoreClient::from_provider_metadata(metadata, ClientId::new(self.options.client_id.clone()), self.secret())
                .set_redirect_uri(redirect(&self.options)?);
        let ask = |request| self.ask(request);
        let exchange = client
            .exchange_code(AuthorizationCode::new(code.expose().into()))
            .map_err(|e| refused("the provider exchanges no codes").caused_by(e))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.expose().into()));
        let tokens = exchange.request_async(&ask).await;
        let tokens = tokens.map_err(|e| refused("the provider does not stand by the code").caused_by(said(&e)))?;
        // Only what is signed with the provider's own key is believed: no shared secret, and no signature at all, is one.
        let asymmetric = [
            CoreJwsSigningAlgorithm::EdDsa,
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        ];
        let verifier = client.id_token_verifier().set_allowed_algs(asymmetric);
        let token = tokens.id_token().ok_or_else(|| refused("the provider does not say who it is"))?;
        let claims = token.claims(&verifier, &Nonce::new(pending.nonce.expose().into()));
        let claims = claims.map_err(|e| refused("the identity token does not hold").caused_by(said(&e)))?;
        Ok(FederatedIdentity {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()),
            email_verified: claims.email_verified() == Some(true),
            is_trusted: self.options.is_trusted,
        })
    }

    fn secret(&self) -> Option<ClientSecret> {
        self.options.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().into()))
    }
}

fn redirect(options: &OidcOptions) -> Result<RedirectUrl> {
    RedirectUrl::new(options.redirect_uri.clone())
        .map_err(|_| Error::invalid("oidc.redirect_uri", "browsers come back to an address").at("redirect_uri"))
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, "oidc.refused", message)
}

/// An error with all its causes, which the library keeps apart.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Why there is no answer.
#[derive(Debug)]
struct Unanswered(String);

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        Self(said(&error))
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unanswered {}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.options.issuer).finish_non_exhaustive()
    }
}
