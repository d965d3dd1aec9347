//! Published files on their way in: the zip as it was downloaded, and the download itself.

mod command;
mod download;
mod geonorge;
mod packed;
mod source;
