"""The loaders of real sets, against files that these tests serve on loopback.

Nothing here reaches beyond 127.0.0.1: the files have the form of the real ones, with
few images in them, and their sums take the place of the real sums.
"""

import contextlib
import gzip
import hashlib
import importlib
import io
import socket
import struct
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from coursekit import data

NAMES = ("download", "idx", "images", "fashion_mnist", "cifar10")
PAGES = {name: importlib.import_module(f"coursekit.data.{name}") for name in NAMES}
RemoteFile, fetch = PAGES["download"].RemoteFile, PAGES["download"].fetch
RNG = np.random.default_rng(0)


class Handler(BaseHTTPRequestHandler):
    """Serve the bytes in `server.files`, well or badly, and log what was asked for."""

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.requests.append((self.path, wanted))
        content = server.files.get(self.path)
        if content is None:
            return self.send_error(404)
        start = 0
        if wanted and server.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        length = len(content) - start
        self.send_header("Content-Length", str(length))
        if start:
            span = f"bytes {start + server.skew}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", span)
        self.end_headers()
        stop = len(content) if server.stop is None else server.stop
        # a loader that has seen enough hangs up
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content[start:stop])
        return None

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.requests = {}, []
        server.ranges, server.stop, server.skew = True, None, 0
        server.url = f"http://127.0.0.1:{server.server_port}/set"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def remote(name, content):
    return RemoteFile(name, len(content), hashlib.sha256(content).hexdigest())


CONTENT = RNG.bytes(200_000)
FILE = remote("file.bin", CONTENT)


def get(server, folder, file=FILE, mirrors=None):
    return fetch(file, mirrors or [server.url], folder, progress=False)


def left(folder):
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")


# ---- one file


def test_a_file_is_downloaded_once(server, tmp_path):
    server.files["/set/file.bin"] = CONTENT
    folder = tmp_path / "deep" / "cache"
    path = get(server, folder)
    assert path == folder / "file.bin"
    assert path.read_bytes() == CONTENT
    assert server.requests == [("/set/file.bin", None)]
    assert get(server, folder) == path
    assert len(server.requests) == 1
    assert left(folder) == ["file.bin"]


def test_a_file_that_is_there_needs_no_right_to_write(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    get(server, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


def test_a_damaged_file_in_the_cache_is_replaced(server, tmp_path):
    server.files["/set/file.bin"] = CONTENT
    for damage in (CONTENT[:-1], b"\0" + CONTENT[1:], b""):
        (tmp_path / "file.bin").write_bytes(damage)
        assert get(server, tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_wrong_contents_are_deleted_and_named(server, tmp_path):
    server.files["/set/file.bin"] = b"x" * len(CONTENT)
    with pytest.raises(data.DownloadError, match="contents are not those expected"):
        get(server, tmp_path)
    assert left(tmp_path) == []


def test_more_than_expected_is_not_read_to_its_end(server, tmp_path):
    server.files["/set/file.bin"] = CONTENT + bytes(50_000_000)
    with pytest.raises(data.DownloadError, match="contents are not those expected"):
        get(server, tmp_path)
    assert left(tmp_path) == []


def test_a_truncated_download_goes_on_where_it_ended(server, tmp_path):
    server.files["/set/file.bin"], server.stop = CONTENT, 70_000
    with pytest.raises(data.DownloadError, match="broke off after 70000 of 200000"):
        get(server, tmp_path)
    assert left(tmp_path) == ["file.bin.part"]
    server.stop = None
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.requests[-1] == ("/set/file.bin", "bytes=70000-")
    assert left(tmp_path) == ["file.bin"]


def test_a_server_without_ranges_starts_again(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:500])
    server.files["/set/file.bin"], server.ranges = CONTENT, False
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_range_that_was_not_asked_for_is_not_appended(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:500])
    server.files["/set/file.bin"], server.skew = CONTENT, 7
    with pytest.raises(data.DownloadError, match="broke off after 199500"):
        get(server, tmp_path)


def test_a_part_of_another_file_costs_one_more_request(server, tmp_path):
    server.files["/set/file.bin"] = CONTENT
    for old in (b"y" * 500, b"y" * len(CONTENT), b"y" * (len(CONTENT) + 9)):
        (tmp_path / "file.bin.part").write_bytes(old)
        assert get(server, tmp_path).read_bytes() == CONTENT
        (tmp_path / "file.bin").unlink()
    assert len(server.requests) == 2 + 1 + 1


def test_a_complete_part_is_not_asked_for_again(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == []
    assert left(tmp_path) == ["file.bin"]


def test_a_part_longer_than_the_servers_file_is_given_up(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:500])
    server.files["/set/file.bin"] = CONTENT[:300]
    with pytest.raises(data.DownloadError, match="answers 416"):
        get(server, tmp_path)
    assert left(tmp_path) == []


def test_an_interrupted_download_keeps_its_part(server, tmp_path, monkeypatch):
    server.files["/set/file.bin"] = CONTENT
    page, calls = PAGES["download"], []

    def stop_at_once(*args, **kwargs):
        calls.append(args)
        args[1].write(CONTENT[:1000])
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "_copy", stop_at_once)
    with pytest.raises(KeyboardInterrupt):
        get(server, tmp_path)
    assert left(tmp_path) == ["file.bin.part"]
    monkeypatch.undo()
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.requests[-1][1] == "bytes=1000-"


def test_a_missing_file_names_the_way_out(server, tmp_path):
    with pytest.raises(data.DownloadError) as caught:
        get(server, tmp_path)
    said = str(caught.value)
    assert "the server answers 404" in said
    assert f"{server.url}/file.bin" in said
    assert "digits() and mnist1d(), which need none" in said
    assert FILE.sha256 in said
    assert str(tmp_path) in said


def test_no_server_and_no_name_say_so(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://name.invalid"):
        with pytest.raises(data.DownloadError, match="Without a network"):
            get(None, tmp_path, mirrors=[url])
    with pytest.raises(data.DownloadError, match="no mirror was given"):
        fetch(FILE, [], tmp_path, progress=False)
    assert left(tmp_path) == []


def test_the_next_mirror_is_tried(server, tmp_path):
    server.files["/set/file.bin"] = CONTENT
    server.files["/bad/file.bin"] = b"z" * len(CONTENT)
    base = server.url.removesuffix("/set")
    mirrors = [f"{base}/none", f"{base}/bad/", f"{base}/set"]
    assert get(server, tmp_path, mirrors=mirrors).read_bytes() == CONTENT
    asked = [path for path, _ in server.requests]
    assert asked == ["/none/file.bin", "/bad/file.bin", "/set/file.bin"]


@pytest.mark.parametrize("mirror", ["file:///etc", "ftp://x", "/tmp", ""])
def test_only_the_web_is_asked(mirror, tmp_path):
    with pytest.raises(ValueError, match="mirrors: expected http or https"):
        fetch(FILE, [mirror], tmp_path)


def test_two_at_once_end_with_one_right_file(server, tmp_path):
    server.files["/set/file.bin"] = CONTENT
    paths = []
    workers = [
        threading.Thread(target=lambda: paths.append(get(server, tmp_path)))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [path.read_bytes() for path in paths] == [CONTENT] * 4
    assert len(server.requests) == 1


def test_the_bar_is_shown_only_if_wanted(server, tmp_path, capsys):
    server.files["/set/file.bin"] = CONTENT
    get(server, tmp_path / "a")
    assert capsys.readouterr() == ("", "")
    fetch(FILE, [server.url], tmp_path / "b")
    said = capsys.readouterr()
    assert said.out == ""
    assert "file.bin: 100%" in said.err


def test_the_folder_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("COURSEKIT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert data.cache_dir() == tmp_path / ".cache" / "coursekit"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert data.cache_dir() == tmp_path / "x" / "coursekit"
    monkeypatch.setenv("COURSEKIT_CACHE", "~/mine")
    assert data.cache_dir() == tmp_path / "mine"
    assert data.cache_dir("other").name == "other"


# ---- the IDX form


def idx(values, kind=8):
    header = struct.pack(f">HBB{values.ndim}I", 0, kind, values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()


def test_idx_is_read_back(tmp_path):
    for shape in ((5,), (4, 3, 2), (2, 28, 28)):
        values = RNG.integers(0, 256, shape)
        (tmp_path / "x.gz").write_bytes(gzip.compress(idx(values)))
        found = PAGES["idx"].read_idx(tmp_path / "x.gz", len(shape))
        assert found.dtype == np.uint8
        assert found.flags.writeable
        assert np.array_equal(found, values)


VALUES = RNG.integers(0, 256, (6, 3, 2))
GOOD = idx(VALUES)
BROKEN = {
    "not gzip": (GOOD, "Not a gzipped file"),
    "cut gzip": (gzip.compress(GOOD)[:-12], "broken one|ended before"),
    "flipped": (gzip.compress(GOOD)[:20] + b"\xff" * 9, "gzipped IDX file, got"),
    "wrong sum": (gzip.compress(GOOD)[:-8] + bytes(8), "CRC check failed"),
    "empty": (gzip.compress(b""), "gzipped IDX file, got unpack"),
    "short header": (gzip.compress(GOOD[:10]), "gzipped IDX file, got unpack"),
    "magic": (gzip.compress(b"\1" + GOOD[1:]), "header of 256, 8, 3 for 0, 8, 3"),
    "type": (gzip.compress(idx(VALUES, 13)), "header of 0, 13, 3 for 0, 8, 3"),
    "axes": (gzip.compress(idx(VALUES[0])), "header of 0, 8, 2 for 0, 8, 3"),
    "too few": (gzip.compress(GOOD[:-1]), "expected 36 bytes .* got 35"),
    "too many": (gzip.compress(GOOD + b"!"), "expected 36 bytes .* got more"),
    "no images": (gzip.compress(idx(VALUES[:0])), "the impossible shape"),
    "huge": (
        gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 4)),
        "the impossible shape",
    ),
}


@pytest.mark.parametrize("damage", sorted(BROKEN))
def test_a_damaged_idx_is_named(damage, tmp_path):
    content, message = BROKEN[damage]
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        PAGES["idx"].read_idx(path, 3)
    assert str(path) in str(caught.value)
    assert "delete it" in str(caught.value)


# ---- Fashion-MNIST


def served_fashion(server, monkeypatch, n=(30, 12), labels=10):
    names = [file.name for file in PAGES["fashion_mnist"].FILES]
    x, y = (
        [RNG.integers(0, 256, (k, 28, 28)) for k in n],
        [RNG.integers(0, labels, k) for k in n],
    )
    contents = [gzip.compress(idx(v)) for pair in zip(x, y, strict=True) for v in pair]
    for name, content in zip(names, contents, strict=True):
        server.files[f"/set/{name}"] = content
    files = [remote(*pair) for pair in zip(names, contents, strict=True)]
    monkeypatch.setattr(PAGES["fashion_mnist"], "FILES", tuple(files))
    return x, y


def test_fashion_mnist_is_loaded_and_scaled(server, monkeypatch, tmp_path):
    x, y = served_fashion(server, monkeypatch)
    options = {"mirrors": [server.url], "cache": tmp_path, "progress": False}
    split = data.fashion_mnist(**options, dtype=torch.float64)
    assert [tuple(part.shape) for part in split] == [
        (30, 1, 28, 28),
        (30,),
        (12, 1, 28, 28),
        (12,),
    ]
    mean, std = (x[0] / 255).mean(), (x[0] / 255).std()
    for ours, theirs in ((split.x_train, x[0]), (split.x_test, x[1])):
        expected = torch.from_numpy((theirs / 255 - mean) / std)[:, None]
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)
    assert split.y_train.tolist() == y[0].tolist()
    assert split.y_test.tolist() == y[1].tolist()
    assert split.y_train.dtype == torch.int64
    assert len(server.requests) == 4
    again = data.fashion_mnist(**options, flatten=True)
    assert len(server.requests) == 4
    assert again.x_train.shape == (30, 784)
    assert again.x_train.dtype == torch.float32
    monkeypatch.setenv("COURSEKIT_CACHE", str(tmp_path))
    offline = data.fashion_mnist(mirrors=[], n_train=5, n_test=3)
    assert offline.x_train.shape == (5, 1, 28, 28)
    assert offline.x_test.shape == (3, 1, 28, 28)


def test_some_images_are_picked_by_the_seed(server, monkeypatch, tmp_path):
    _, y = served_fashion(server, monkeypatch)

    def load(**options):
        where = {"mirrors": [server.url], "cache": tmp_path, "progress": False}
        return data.fashion_mnist(**where, **options, dtype=torch.float64)

    few, same, other = (load(n_train=20, seed=s) for s in (0, 0, 1))
    assert torch.equal(few.x_train, same.x_train)
    assert not torch.equal(few.y_train, other.y_train)
    assert few.x_train.mean().abs() < 1e-12
    assert few.x_train.std(correction=0).item() == pytest.approx(1)
    whole = load()
    for image, label in zip(few.x_train, few.y_train, strict=True):
        # the scaling differs, the order of the pixels does not
        order = image.flatten().argsort(stable=True)
        found = [
            k
            for k in range(30)
            if torch.equal(whole.x_train[k].flatten().argsort(stable=True), order)
        ]
        assert len(found) == 1
        assert y[0][found[0]] == label
    for options, name in (({"n_train": 31}, "n_train"), ({"n_test": 13}, "n_test")):
        with pytest.raises(ValueError, match=f"{name}: expected at most"):
            load(**options)
    with pytest.raises(ValueError, match="n_train: expected an integer >= 1"):
        load(n_train=0)


def test_labels_must_fit_the_images(server, monkeypatch, tmp_path):
    served_fashion(server, monkeypatch, labels=200)
    options = {"mirrors": [server.url], "cache": tmp_path, "progress": False}
    with pytest.raises(ValueError, match="a label from 0 to 9 for each image"):
        data.fashion_mnist(**options)


def test_fashion_offline_names_the_embedded_sets(tmp_path):
    with pytest.raises(
        data.DownloadError, match=r"train-images-idx3-ubyte\.gz could not"
    ):
        data.fashion_mnist(mirrors=["http://127.0.0.1:9"], cache=tmp_path)


# ---- CIFAR-10


def batch(n=20, labels=10):
    records = RNG.integers(0, 256, (n, 3073)).astype(np.uint8)
    records[:, 0] = RNG.integers(0, labels, n)
    return records


def archive(members):
    """A tar.gz of (name, content) or of ready tarfile.TarInfo without content."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for name, content in members:
            if content is None:
                tar.addfile(name)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def cifar_names():
    page = PAGES["cifar10"]
    return [*page.TRAIN, *page.TEST]


def load_cifar(server, monkeypatch, folder, content, **options):
    page = PAGES["cifar10"]
    server.files["/set/cifar-10-binary.tar.gz"] = content
    monkeypatch.setattr(page, "ARCHIVE", remote("cifar-10-binary.tar.gz", content))
    monkeypatch.setattr(page, "PER_FILE", 20)
    where = {"mirrors": [server.url], "cache": folder, "progress": False}
    return data.cifar10(**where, **options)


def test_cifar10_is_loaded_channel_by_channel(server, monkeypatch, tmp_path):
    batches = {name: batch() for name in cifar_names()}
    # out of order, among strangers, one of which points outside
    strangers = [("../../evil.txt", b"x"), ("cifar-10-batches-bin/readme.html", b"y")]
    members = [(name, rows.tobytes()) for name, rows in reversed(batches.items())]
    content = archive(strangers + members)
    split = load_cifar(server, monkeypatch, tmp_path, content, dtype=torch.float64)
    rows = np.concatenate([batches[name] for name in cifar_names()])
    x = (rows[:, 1:] / 255).reshape(-1, 3, 32, 32)
    mean = x[:100].mean((0, 2, 3), keepdims=True)
    std = x[:100].std((0, 2, 3), keepdims=True)
    expected = torch.from_numpy((x - mean) / std)
    torch.testing.assert_close(split.x_train, expected[:100], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(split.x_test, expected[100:], rtol=1e-12, atol=1e-12)
    assert split.y_train.tolist() == rows[:100, 0].tolist()
    assert split.y_test.tolist() == rows[100:, 0].tolist()
    assert (split.x_train.mean((0, 2, 3)).abs() < 1e-12).all()
    names = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert [n for n in names if ".lock" not in n] == ["cifar-10-binary.tar.gz"]
    few = load_cifar(server, monkeypatch, tmp_path, content, n_train=7, flatten=True)
    assert few.x_train.shape == (7, 3072)
    assert len(server.requests) == 1


def test_a_wrong_archive_is_named(server, monkeypatch, tmp_path):
    names, right = cifar_names(), batch().tobytes()
    link = tarfile.TarInfo(names[0])
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    rest = [(name, right) for name in names[1:]]
    labels = batch(labels=200).tobytes()
    cases = {
        "that are not in it: .*data_batch_1": archive(rest),
        "not in it: .*data_batch_1.bin'": archive([(link, None), *rest]),
        "data_batch_1.bin of 9 bytes for": archive([(names[0], bytes(9)), *rest]),
        "labels 0 to 9, got 1": archive([(names[0], labels), *rest]),
        "binary form of CIFAR-10": archive([(names[0], right), *rest])[:-3000],
        "form of CIFAR-10, got not a gzip": RNG.bytes(2000),
        "binary form of": gzip.compress(b"no archive"),
    }
    for number, (message, content) in enumerate(cases.items()):
        with pytest.raises(ValueError, match=message):
            load_cifar(server, monkeypatch, tmp_path / str(number), content)


def test_the_real_files_are_those_of_the_authors():
    """Sizes and sums as their official pages and several code bases state them."""
    files = (*PAGES["fashion_mnist"].FILES, PAGES["cifar10"].ARCHIVE)
    assert [file.size for file in files] == [26421880, 29515, 4422102, 5148, 170052171]
    assert all(len(file.sha256) == 64 and int(file.sha256, 16) for file in files)
    assert len({file.sha256 for file in files}) == 5
    assert PAGES["cifar10"].PER_FILE * PAGES["cifar10"].RECORD == 30_730_000
    assert len(data.FASHION_CLASSES) == len(data.CIFAR10_CLASSES) == 10


# ---- mutants

D, I, G, F, C = NAMES
MUTANTS = [
    (
        D,
        "fetch",
        "    if _is_right(path, file):\n        return path\n    folder",
        "    folder",
        "there",
    ),
    (D, "fetch", '{"http", "https"}', '{"http", "https", "file", "ftp", ""}', "web"),
    (
        D,
        "_from_mirrors",
        "os.replace(part, path)",
        "path.write_bytes(part.read_bytes())",
        "once",
    ),
    (D, "_from_mirrors", "continue", "break", "mirror"),
    (D, "_from_mirrors", "mirror.rstrip('/')", "mirror", "mirror"),
    (D, "_from_mirrors", "== 416", "== 404", "longer"),
    (D, "_download", "part.unlink()", "pass", "wrong"),
    (D, "_download", "if size < file.size", "if False", "truncated"),
    (D, "_download", "old < file.size", "old <= file.size", "complete"),
    (D, "_download", "if resumed:", "if False:", "another"),
    (D, "_download", "resumed = old > 0", "resumed = False", "another"),
    (D, "_append", '"ab" if resumed', '"wb" if resumed', "truncated"),
    (D, "_append", '"ab" if resumed else "wb"', '"ab"', "ranges"),
    (D, "_append", 'span.startswith(f"bytes {old}-")', "True", "range"),
    (D, "_append", "if old else {}", "if not old else {}", "once"),
    (D, "_copy", "file.size - start + 1", "file.size - start", "more"),
    (D, "_copy", "disable=not progress", "disable=progress", "bar"),
    (D, "_is_right", ".hexdigest() == file.sha256", ".hexdigest() != ''", "wrong"),
    (D, "cache_dir", '"COURSEKIT_CACHE"', '"CACHE"', "folder"),
    (D, "cache_dir", '"XDG_CACHE_HOME"', '"XDG"', "folder"),
    (D, "cache_dir", '/ "coursekit"', "", "folder"),
    (I, "read_idx", "size + 1", "size", "idx"),
    (I, "read_idx", "len(content) != size", "False", "idx"),
    (I, "_header", '">HBB"', '"<HBB"', "idx"),
    (I, "_header", 'f">{ndim}I"', 'f"<{ndim}I"', "idx"),
    (
        I,
        "_header",
        "(zero, kind, axes) != (0, UNSIGNED_BYTE, ndim)",
        "axes != ndim",
        "idx",
    ),
    (I, "_header", "0 < math.prod(shape) <=", "0 <= math.prod(shape) <=", "idx"),
    (I, "_header", "<= LARGEST", "<= math.inf", "idx"),
    (G, "image_split", "(0, 2, 3)", "(2, 3)", "fashion"),
    (G, "image_split", "axes, correction=0", "axes, correction=1", "cifar"),
    (G, "image_split", "axes = (0, 2, 3)", "axes = (0, 1, 2, 3)", "cifar"),
    (G, "image_split", "images[0].double().mean", "images[1].double().mean", "fashion"),
    (G, "image_split", ".div_(std)", "", "fashion"),
    (G, "image_split", "if flatten else", "if not flatten else", "fashion"),
    (G, "_picked", "x[order], y[order]", "x[order], y[:n]", "picked"),
    (
        G,
        "_picked",
        "torch.randperm(len(y), generator=draw)",
        "torch.arange(len(y))",
        "picked",
    ),
    (F, "fashion_mnist", "paths[1::2]", "paths[::2]", "fashion"),
    (F, "fashion_mnist", "(images[1], labels[1])", "(images[0], labels[0])", "fashion"),
    (F, "_check", ">= len(FASHION_CLASSES)", "> 255", "labels"),
    (
        C,
        "_parts",
        "records[:, 1:].reshape(-1, 3, 32, 32)",
        "records[:, :-1].reshape(-1, 3, 32, 32)",
        "cifar",
    ),
    (
        C,
        "_parts",
        "records[:, 1:].reshape(-1, 3, 32, 32)",
        "records[:, 1:].reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)",
        "cifar",
    ),
    (C, "_parts", ">= len(CIFAR10_CLASSES)", "> 255", "archive"),
    (C, "_read", "or not member.isreg()", "", "archive"),
    (C, "_read", "member.size != size", "False", "archive"),
    (C, "_read", "sorted(names - set(found))", "[]", "archive"),
]
KILLERS = {
    "once": lambda s, t, m, c: test_a_file_is_downloaded_once(s, t),
    "there": lambda s, t, m, c: test_a_file_that_is_there_needs_no_right_to_write(s, t),
    "web": lambda s, t, m, c: test_only_the_web_is_asked("ftp://x", t),
    "mirror": lambda s, t, m, c: test_the_next_mirror_is_tried(s, t),
    "longer": lambda s, t, m, c: test_a_part_longer_than_the_servers_file_is_given_up(
        s, t
    ),
    "wrong": lambda s, t, m, c: test_wrong_contents_are_deleted_and_named(s, t),
    "truncated": lambda s, t, m, c: test_a_truncated_download_goes_on_where_it_ended(
        s, t
    ),
    "complete": lambda s, t, m, c: test_a_complete_part_is_not_asked_for_again(s, t),
    "another": lambda s, t, m, c: test_a_part_of_another_file_costs_one_more_request(
        s, t
    ),
    "ranges": lambda s, t, m, c: test_a_server_without_ranges_starts_again(s, t),
    "range": lambda s, t, m, c: test_a_range_that_was_not_asked_for_is_not_appended(
        s, t
    ),
    "more": lambda s, t, m, c: test_more_than_expected_is_not_read_to_its_end(s, t),
    "bar": lambda s, t, m, c: test_the_bar_is_shown_only_if_wanted(s, t, c),
    "folder": lambda s, t, m, c: test_the_folder_of_the_cache(m, t),
    "fashion": lambda s, t, m, c: test_fashion_mnist_is_loaded_and_scaled(s, m, t),
    "picked": lambda s, t, m, c: test_some_images_are_picked_by_the_seed(s, m, t),
    "labels": lambda s, t, m, c: test_labels_must_fit_the_images(s, m, t),
    "cifar": lambda s, t, m, c: test_cifar10_is_loaded_channel_by_channel(s, m, t),
    "archive": lambda s, t, m, c: test_a_wrong_archive_is_named(s, m, t),
}


def idx_survives(folder):
    for number, damage in enumerate(sorted(BROKEN)):
        (folder / str(number)).mkdir()
        test_a_damaged_idx_is_named(damage, folder / str(number))
    (folder / "good").mkdir()
    test_idx_is_read_back(folder / "good")


@pytest.mark.parametrize(("page", "name", "old", "new", "by"), MUTANTS)
def test_the_checks_kill_the_mutant(
    mutate, monkeypatch, server, tmp_path, capsys, page, name, old, new, by
):
    wrong = mutate(getattr(PAGES[page], name), old, new)
    for where in (*PAGES.values(), data):
        if hasattr(where, name) and callable(getattr(where, name)):
            monkeypatch.setattr(where, name, wrong)
    if name == "fetch":
        monkeypatch.setitem(globals(), "fetch", wrong)
    try:
        if by == "idx":
            idx_survives(tmp_path)
        else:
            KILLERS[by](server, tmp_path, monkeypatch, capsys)
    except (Exception, pytest.fail.Exception):
        return
    pytest.fail("it survives")
