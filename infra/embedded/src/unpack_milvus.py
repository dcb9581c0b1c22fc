"""Unpacks the server of the wheel `milvus` into a folder: usage: python unpack_milvus.py FOLDER. Uses every core."""
import lzma
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import milvus

source = os.path.join(os.path.dirname(milvus.__file__), "data")
target = sys.argv[1]
packed = os.path.join(source, "bin")
os.makedirs(os.path.join(target, "bin"), exist_ok=True)


def unpack(name: str) -> None:
    path = os.path.join(target, "bin", name[: -len(".lzma")])
    with lzma.open(os.path.join(packed, name)) as compressed, open(path, "wb") as plain:
        shutil.copyfileobj(compressed, plain, 1 << 20)
    os.chmod(path, 0o755)


names = [name for name in os.listdir(packed) if name.endswith(".lzma")]
names.sort(key=lambda name: -os.path.getsize(os.path.join(packed, name)))
with ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(unpack, names))
shutil.copy(os.path.join(source, "config.yaml.template"), target)
