#!/usr/bin/env bash
# Builds text-embeddings-router with its ONNX backend alone, as preflight measured it.  bash build-cpu.sh SOURCE OUT
#
# SOURCE: a checkout of huggingface/text-embeddings-inference at 0d124dc (1.9.3); its manifests are changed.  OUT: where the program goes.
# Needs cargo 1.85 or later and a C compiler.  The other backends, and what they patch from git, are left out; ONNX Runtime is
# loaded when it starts, from ORT_DYLIB_PATH.
set -euo pipefail
source=$(cd "$1" && pwd)
out=$2
cd "$source"
rm -f rust-toolchain.toml # an older toolchain will do
sed -i -e '/"backends\/candle",/d' -e '/"backends\/python",/d' -e '/"backends\/grpc-client",/d' -e '/^\[patch.crates-io\]/,/^$/d' -e '/^cudarc/d' -e '/^candle/d' -e 's/^lto = .*/lto = false/' -e 's/^codegen-units = 1$/codegen-units = 16/' Cargo.toml
sed -i -e '/^text-embeddings-backend-python/d' -e '/^text-embeddings-backend-candle/d' -e 's/^python = .*/python = []/' -e 's/^candle = .*/candle = []/' -e '/^\(cuda\|metal\|mkl\|accelerate\|flash-attn\|flash-attn-v1\) = /d' backends/Cargo.toml
sed -i -e '/^insta = /d' -e '/^cudarc = /d' -e '/^metal = /d' -e '/^mkl = /d' -e '/^accelerate = /d' -e '/^candle-cuda/d' -e 's/"dep:cudarc"//' -e '/^static-linking/d' -e '/^dynamic-linking/d' -e 's/^default = .*/default = ["ort", "http"]/' router/Cargo.toml
sed -i 's/features = \["std", "download-binaries", "half", "onednn", "ndarray"\]/features = ["std", "load-dynamic", "half", "ndarray"]/; s/^ort = { version = "2.0.0-rc.10"/ort = { version = "=2.0.0-rc.10"/' backends/ort/Cargo.toml
cargo build --release --package text-embeddings-router --no-default-features --features http,ort
install -D target/release/text-embeddings-router "$out"
