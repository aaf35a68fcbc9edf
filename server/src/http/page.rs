//! The page: its files in memory, with compressed variants, and their response headers.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, StatusCode, header},
    web::{Bytes, Data},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::error::Error;

/// All files of the built page.
#[derive(Debug, Default)]
pub struct Page {
    files: HashMap<String, File>,
    policy: String,
}

#[derive(Debug)]
struct File {
    kind: &'static str,
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    etag: String,
}

const INDEX: &str = "/index.html";

impl Page {
    /// Reads the folder the page was built into. Without that folder only the API is served. The page
    /// links to the sandbox phone at `sandbox_url`.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn load(folder: &Path, sandbox_url: Option<&str>) -> io::Result<Self> {
        let mut files = HashMap::new();
        if !folder.join("index.html").is_file() {
            return Ok(Self::default());
        }
        let mut folders = vec![folder.to_owned()];
        while let Some(at) = folders.pop() {
            for entry in fs::read_dir(&at)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let (Some(kind), Ok(name)) = (kind_of(&path), path.strip_prefix(folder)) {
                    let name = format!("/{}", name.to_string_lossy().replace('\\', "/"));
                    files.insert(name, File::read(&path, kind)?);
                }
            }
        }
        let mut policy = String::new();
        if let Some(index) = files.get_mut(INDEX) {
            let html = String::from_utf8_lossy(&index.plain).into_owned();
            policy = policy_for(&html);
            if let Some(url) = sandbox_url {
                let meta = format!(r#"<meta name="sandbox-phone" content="{url}"></head>"#);
                *index = File::of(html.replacen("</head>", &meta, 1).into(), index.kind);
            }
        }
        Ok(Self { files, policy })
    }

    /// Whether no page was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn answer(&self, name: &str, status: StatusCode, request: &HttpRequest) -> Option<HttpResponse> {
        let file = self.files.get(name)?;
        let text =
            |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut answer = HttpResponseBuilder::new(status);
        answer
            .content_type(file.kind)
            .insert_header((header::VARY, "Accept-Encoding"))
            .insert_header((header::ETAG, file.etag.as_str()));
        if name == INDEX {
            answer
                .insert_header((header::CACHE_CONTROL, "no-cache"))
                // With `no-referrer` the page's form posts would send `Origin: null`.
                .insert_header((header::REFERRER_POLICY, "same-origin"))
                .insert_header((header::CONTENT_SECURITY_POLICY, self.policy.as_str()));
        } else {
            // Every file name contains a hash of the content.
            answer.insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
        }
        if status == StatusCode::OK && text(header::IF_NONE_MATCH) == file.etag {
            return Some(answer.status(StatusCode::NOT_MODIFIED).finish());
        }
        let takes = |coding: &str| text(header::ACCEPT_ENCODING).split(',').any(|sent| sent.trim() == coding);
        let (coding, body) = match (&file.brotli, &file.gzip) {
            (Some(body), _) if takes("br") => (Some("br"), body),
            (_, Some(body)) if takes("gzip") => (Some("gzip"), body),
            _ => (None, &file.plain),
        };
        if let Some(coding) = coding {
            answer.insert_header((header::CONTENT_ENCODING, coding));
        }
        Some(answer.body(body.clone()))
    }
}

impl File {
    fn read(path: &Path, kind: &'static str) -> io::Result<Self> {
        let beside = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            fs::read(PathBuf::from(name)).ok().map(Bytes::from)
        };
        let file = Self::of(fs::read(path)?.into(), kind);
        Ok(Self { brotli: beside(".br"), gzip: beside(".gz"), ..file })
    }

    fn of(plain: Bytes, kind: &'static str) -> Self {
        let etag = format!("\"{}\"", &hex::encode(Sha256::digest(&plain))[..32]);
        Self { kind, plain, brotli: None, gzip: None, etag }
    }
}

fn kind_of(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

/// The content security policy: scripts from the page's own files, and its inline script by hash.
fn policy_for(html: &str) -> String {
    let mut scripts = String::new();
    let mut rest = html;
    while let Some(at) = rest.find("<script") {
        rest = &rest[at..];
        let (Some(open), Some(close)) = (rest.find('>'), rest.find("</script>")) else { break };
        let script = &rest[open + 1..close];
        if !script.is_empty() {
            scripts += &format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(script)));
        }
        rest = &rest[close..];
    }
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Every route of the page returns the same document, which does the routing.
pub(super) async fn index(page: Data<Page>, request: HttpRequest) -> Result<HttpResponse, Error> {
    page.answer(INDEX, StatusCode::OK, &request).ok_or(Error::NotFound)
}

/// A file of the page. For an unknown path, a client that accepts HTML gets the page with status 404.
pub(super) async fn file(page: Data<Page>, request: HttpRequest) -> Result<HttpResponse, Error> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Error::NotFound);
    }
    let by_name = Some(request.path()).filter(|name| *name != INDEX);
    if let Some(file) = by_name.and_then(|name| page.answer(name, StatusCode::OK, &request)) {
        return Ok(file);
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let for_people = accept.is_some_and(|accept| accept.contains("text/html"));
    let missing = page.answer(INDEX, StatusCode::NOT_FOUND, &request).filter(|_| for_people);
    missing.ok_or(Error::NotFound)
}
