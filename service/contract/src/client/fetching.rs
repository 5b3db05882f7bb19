//! Files of any size, written while they arrive.

use std::io::{self, Write};

use reqwest::Method;

use super::{Client, ClientError, Picture};
use packshot_domain::hash::Digester;

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The service does not send it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What arrives cannot be written.
    #[error("{0}")]
    Write(io::Error),
}

impl Client {
    /// Fetches a file into what `begin` opens, and compares it with its address. Each attempt begins anew.
    ///
    /// # Errors
    /// When it is not there, arrives damaged, or the service cannot be reached; when it cannot be written.
    pub async fn fetch_into<W: Write>(
        &self,
        picture: &Picture,
        begin: impl Fn() -> io::Result<W>,
    ) -> Result<W, FetchError> {
        let written = self.repeated(|| self.fetch_into_once(picture, &begin)).await?;
        written.map_err(FetchError::Write)
    }

    /// One attempt; what cannot be written is no reason for another one.
    async fn fetch_into_once<W: Write>(
        &self,
        picture: &Picture,
        begin: &impl Fn() -> io::Result<W>,
    ) -> Result<io::Result<W>, ClientError> {
        let request = self.request(Method::GET, picture.url.trim_start_matches('/'))?;
        let mut answer = self.send(request).await?;
        let mut writer = match begin() {
            Ok(writer) => writer,
            Err(error) => return Ok(Err(error)),
        };
        let mut digester = Digester::default();
        while let Some(bytes) = answer.chunk().await? {
            digester.update(&bytes);
            if let Err(error) = writer.write_all(&bytes) {
                return Ok(Err(error));
            }
        }
        if digester.finish().address == picture.address { Ok(Ok(writer)) } else { Err(ClientError::Damaged) }
    }
}
