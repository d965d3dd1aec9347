//! Published files on their way in: the zip as it was downloaded.

mod packed;
mod source;
