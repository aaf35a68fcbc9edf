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

use shared::routes;

use super::error::Error;

/// All files of the built page.
#[derive(Debug, Default)]
pub struct Page {
    files: HashMap<String, File>,
    /// By their names; see [`document_name`].
    documents: HashMap<String, Document>,
}

/// What a path of the page returns.
#[derive(Debug)]
struct Document {
    file: File,
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

/// The document without a frame, for paths that have none of their own.
const INDEX: &str = "/index.html";

/// What the page shows for unknown paths.
const NOT_FOUND: &str = "/not-found";

/// The document of a path: with the frame that is shown until the program runs.
fn document_name(path: &str) -> String {
    match path {
        routes::page::HOME => "/documents/home.html".to_owned(),
        path => format!("/documents{path}.html"),
    }
}

impl Page {
    /// Reads the folder the page was built into. Without that folder only the API is served. The page
    /// links to the sandbox phone at `sandbox_url`.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn load(folder: &Path, sandbox_url: Option<&str>) -> io::Result<Self> {
        let mut page = Self::default();
        if !folder.join("index.html").is_file() {
            return Ok(page);
        }
        let mut folders = vec![folder.to_owned()];
        while let Some(at) = folders.pop() {
            for entry in fs::read_dir(&at)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let (Some(kind), Ok(name)) = (kind_of(&path), path.strip_prefix(folder)) {
                    let name = format!("/{}", name.to_string_lossy().replace('\\', "/"));
                    let file = File::read(&path, kind)?;
                    if kind == HTML {
                        page.documents.insert(name, Document::of(file, sandbox_url));
                    } else {
                        page.files.insert(name, file);
                    }
                }
            }
        }
        Ok(page)
    }

    /// Whether no page was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The document of a path, or the one for all.
    fn document(&self, path: &str, status: StatusCode, request: &HttpRequest) -> Option<HttpResponse> {
        let document = self.documents.get(&document_name(path)).or_else(|| self.documents.get(INDEX))?;
        let mut answer = HttpResponseBuilder::new(status);
        answer
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            // With `no-referrer` the page's form posts would send `Origin: null`.
            .insert_header((header::REFERRER_POLICY, "same-origin"))
            .insert_header((header::CONTENT_SECURITY_POLICY, document.policy.as_str()));
        Some(document.file.answer(answer, status, request))
    }

    fn file(&self, name: &str, request: &HttpRequest) -> Option<HttpResponse> {
        let mut answer = HttpResponseBuilder::new(StatusCode::OK);
        // The name of every file, or of the folder it is in, contains a hash of the content.
        answer.insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
        Some(self.files.get(name)?.answer(answer, StatusCode::OK, request))
    }
}

impl Document {
    /// With the address of the sandbox, if there is one: then it is not compressed.
    fn of(file: File, sandbox_url: Option<&str>) -> Self {
        let html = String::from_utf8_lossy(&file.plain).into_owned();
        let policy = policy_for(&html);
        let Some(url) = sandbox_url else { return Self { file, policy } };
        let meta = format!(r#"<meta name="sandbox-phone" content="{url}"></head>"#);
        Self { file: File::of(html.replacen("</head>", &meta, 1).into(), file.kind), policy }
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

    /// Completes a response with the variant of the file that the client takes.
    fn answer(
        &self,
        mut answer: HttpResponseBuilder,
        status: StatusCode,
        request: &HttpRequest,
    ) -> HttpResponse {
        let text =
            |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        answer
            .content_type(self.kind)
            .insert_header((header::VARY, "Accept-Encoding"))
            .insert_header((header::ETAG, self.etag.as_str()));
        if status == StatusCode::OK && text(header::IF_NONE_MATCH) == self.etag {
            return answer.status(StatusCode::NOT_MODIFIED).finish();
        }
        let takes = |coding: &str| text(header::ACCEPT_ENCODING).split(',').any(|sent| sent.trim() == coding);
        let (coding, body) = match (&self.brotli, &self.gzip) {
            (Some(body), _) if takes("br") => (Some("br"), body),
            (_, Some(body)) if takes("gzip") => (Some("gzip"), body),
            _ => (None, &self.plain),
        };
        if let Some(coding) = coding {
            answer.insert_header((header::CONTENT_ENCODING, coding));
        }
        answer.body(body.clone())
    }

    fn of(plain: Bytes, kind: &'static str) -> Self {
        let etag = format!("\"{}\"", &hex::encode(Sha256::digest(&plain))[..32]);
        Self { kind, plain, brotli: None, gzip: None, etag }
    }
}

const HTML: &str = "text/html; charset=utf-8";

fn kind_of(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "html" => HTML,
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

/// Every route of the page returns a document that loads the program, which does the routing.
pub(super) async fn index(page: Data<Page>, request: HttpRequest) -> Result<HttpResponse, Error> {
    page.document(request.path(), StatusCode::OK, &request).ok_or(Error::NotFound)
}

/// A file of the page. For an unknown path, a client that accepts HTML gets the page with status 404.
pub(super) async fn file(page: Data<Page>, request: HttpRequest) -> Result<HttpResponse, Error> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Error::NotFound);
    }
    if let Some(file) = page.file(request.path(), &request) {
        return Ok(file);
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let for_people = accept.is_some_and(|accept| accept.contains("text/html"));
    let missing = for_people.then(|| page.document(NOT_FOUND, StatusCode::NOT_FOUND, &request));
    missing.flatten().ok_or(Error::NotFound)
}
