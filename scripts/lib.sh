# What every script here shares: where tools live, which toolchain builds wasm, how to speak.
# Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Tools that are built once per person, not once per checkout.
tools=${DORBANK_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/dorbank}
target=${CARGO_TARGET_DIR:-$root/target}
wasm_target=wasm32-unknown-unknown
# What .cargo/config.toml says for the server, and no paths of this machine in what phones are sent, so that the same
# source gives the same file anywhere.
wasm_flags="--cfg erase_components --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src/= --remap-path-prefix=$root/="

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
stop() { printf 'dorbank: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# The toolchain that has a wasm standard library: the usual one where rustup could add the target,
# else the one that scripts/setup made from the distribution's Rust.
wasm_toolchain() {
  if [ -f "$tools/wasm-toolchain" ]; then cat "$tools/wasm-toolchain"; fi
}

# Runs cargo for wasm, whichever way the target was had.
wasm_cargo() {
  local name linker
  name=$(wasm_toolchain)
  if [ -n "$name" ]; then
    linker=$(dirname "$(find "$(rustc --print sysroot)/lib/rustlib" -name rust-lld -type f | head -n 1)")
    PATH="$linker:$PATH" RUSTUP_TOOLCHAIN=$name RUSTFLAGS=$wasm_flags cargo "$@"
  else
    RUSTFLAGS=$wasm_flags cargo "$@"
  fi
}

# The version of a package in Cargo.lock.
locked() { sed -n "/^name = \"$1\"\$/{n;s/^version = \"\(.*\)\"\$/\1/p;}" "$root/Cargo.lock"; }
